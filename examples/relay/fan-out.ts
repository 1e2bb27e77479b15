import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import * as CloseCode from '../../src/protocol/close-codes.js'
import { encode } from '../../src/protocol/codec.js'
import type { RelayFrame } from '../../src/protocol/frames.js'
import type { Activity } from './operation/activity.js'
import { textFrame } from './frame.js'
import { createGathering, type Gathering } from './gathering.js'

/** The way out to one connection. Everything that is said to it takes this way, so that there is one order. */
export interface Lane {
  /** Whether nothing more can be said. */
  readonly isOver: boolean
  /** Whether so much is unsent that a replay should wait for `whenRoomy`. */
  readonly isFull: boolean
  /** Hands over a frame that is ready, and that other lanes may share. */
  write(frame: Buffer): void
  say(frame: RelayFrame): void
  /** Says that a signal is in the log; one frame names all of a turn. */
  accept(id: string): void
  /** Resolves when what was unsent has gone out, or when the connection is over. */
  whenRoomy(): Promise<void>
  /** Whether anything was said since this was last asked. */
  hasSpoken(): boolean
  /** Sends what is gathered, then closes with a code. Later calls do nothing. */
  end(code: number, reason: string): void
}

export interface FanOut {
  open(ws: WebSocket, socket: Duplex): Lane
}

export interface FanOutOptions {
  /** Unsent bytes at which a connection counts as too slow. */
  readonly maxBuffered: number
  /** Hears what is said to whom, for the figures. */
  readonly activity?: Pick<Activity, 'delivered' | 'said' | 'ended'>
}

/** Gathers what one turn of the event loop says to each connection, and sends it in one write per connection. */
export function createFanOut({ maxBuffered, activity }: FanOutOptions): FanOut {
  const comfortable = Math.min(maxBuffered / 2, MAX_UNSENT_REPLAY)
  let dirty: Array<() => void> = []
  let nothing = createGathering()

  function flushAll(): void {
    const flushes = dirty
    dirty = []
    nothing = createGathering()
    for (const flush of flushes) flush()
  }

  function open(ws: WebSocket, socket: Duplex): Lane {
    let accepted: string[] = []
    let isListed = false
    let gathered: Gathering | undefined
    let isOver = false
    let hasSpoken = false

    function list(): void {
      if (isListed) return
      isListed = true
      if (dirty.push(flush) === 1) setImmediate(flushAll)
    }

    function write(frame: Buffer): void {
      // After a close frame, whoever sent it first, nothing may follow.
      if (isOver || ws.readyState !== ws.OPEN) return
      hasSpoken = true
      gathered = (gathered ?? nothing).and(frame)
      list()
      if (gathered.size > MAX_GATHERED) send()
    }

    function say(frame: RelayFrame): void {
      activity?.said(frame)
      write(textFrame(encode(frame)))
    }

    function send(): void {
      if (!gathered) return
      const bytes = gathered.bytes()
      gathered = undefined
      if (ws.readyState !== ws.OPEN) return
      // A burst within one turn is no sign of a slow reader: let the kernel take what it can, then judge.
      socket.write(bytes)
      if (socket.writableLength > maxBuffered) end(CloseCode.TooSlow, 'too slow: too much is unsent')
    }

    function flush(): void {
      isListed = false
      if (accepted.length > 0) {
        const ids = accepted
        accepted = []
        say({ type: 'accepted', ids })
      }
      send()
    }

    function end(code: number, reason: string): void {
      if (isOver) return
      // Said before the mark, so that being too slow in this very flush wins over the given code.
      if (code !== CloseCode.TooSlow) flush()
      if (isOver) return
      isOver = true
      activity?.ended(code, reason)
      ws.close(code, reason)
      const patience = code === CloseCode.TooSlow ? SLOW_PATIENCE : CLOSE_PATIENCE
      const timer = setTimeout(() => ws.terminate(), patience)
      ws.once('close', () => clearTimeout(timer))
    }

    ws.once('close', () => {
      isOver = true
    })

    return {
      get isOver() {
        return isOver || ws.readyState !== ws.OPEN
      },
      get isFull() {
        return socket.writableLength + (gathered?.size ?? 0) > comfortable
      },
      write(frame) {
        activity?.delivered()
        write(frame)
      },
      say,
      accept(id) {
        accepted.push(id)
        list()
      },
      whenRoomy() {
        send()
        if (isOver || socket.destroyed || socket.writableLength <= comfortable) return Promise.resolve()
        return new Promise((resolve) => {
          const settle = (): void => {
            socket.off('drain', settle)
            socket.off('close', settle)
            resolve()
          }
          socket.on('drain', settle)
          socket.on('close', settle)
        })
      },
      hasSpoken() {
        const answer = hasSpoken
        hasSpoken = false
        return answer
      },
      end,
    }
  }

  return { open }
}

const MAX_GATHERED = 65_536
const MAX_UNSENT_REPLAY = 262_144
const SLOW_PATIENCE = 1000
const CLOSE_PATIENCE = 5000
