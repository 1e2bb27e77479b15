import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { encode } from '../../../src/protocol/codec.js'
import type { RelayFrame } from '../../../src/protocol/frames.js'
import { textFrame } from './frame.js'
import { createGathering, type Gathering } from './batch.js'

/** The way out to one connection. Everything that is said to it takes this way, so that there is one order. */
export interface Lane {
  /** Whose turn the reads of the log for this connection take. */
  readonly reader?: string | object
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
  /** @param address Whose connection it is; its connections take turns at the log as one. */
  open(ws: WebSocket, socket: Duplex, address?: string): Lane
}

/** Counts what goes out to connections. */
interface OutputCounter {
  delivered(): void
  said(frame: RelayFrame): void
  ended(code: number, reason: string): void
}

export interface FanOutOptions {
  /** Unsent bytes at which a connection counts as too slow. */
  readonly maxBuffered: number
  readonly activity?: OutputCounter | undefined
}

/** Gathers what one turn of the event loop says to each connection, and sends it in one write per connection. */
export function createFanOut({ maxBuffered, activity }: FanOutOptions): FanOut {
  const turn: Turn = {
    maxBuffered,
    comfortable: Math.min(maxBuffered / 2, MAX_UNSENT_REPLAY),
    activity,
    nothing: createGathering(),
    list(lane) {
      if (dirty.push(lane) === 1) setImmediate(flushAll)
    },
  }
  let dirty: SocketLane[] = []

  function flushAll(): void {
    const lanes = dirty
    dirty = []
    turn.nothing = createGathering()
    for (const lane of lanes) lane.flush()
  }

  return { open: (ws, socket, address) => new SocketLane(ws, socket, turn, address) }
}

/** What the lanes of a relay share. */
interface Turn extends FanOutOptions {
  /** Unsent bytes at which a replay waits. */
  readonly comfortable: number
  /** Where the gathering of a lane begins. */
  nothing: Gathering
  /** Has a lane flushed at the end of this turn. */
  list(lane: SocketLane): void
}

/** A class, like all that a relay has ten thousand of: methods made anew for each connection would be a third of its memory. */
class SocketLane implements Lane {
  readonly reader: string | object
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #turn: Turn
  #accepted: string[] | undefined
  #gathered: Gathering | undefined
  #isListed = false
  #isEnded = false
  #hasSpoken = false

  constructor(ws: WebSocket, socket: Duplex, turn: Turn, address?: string) {
    this.reader = address ?? this
    this.#ws = ws
    this.#socket = socket
    this.#turn = turn
  }

  get isOver(): boolean {
    // After a close frame, whoever sent it first, nothing may follow.
    return this.#isEnded || this.#ws.readyState !== this.#ws.OPEN
  }

  get isFull(): boolean {
    return this.#socket.writableLength + (this.#gathered?.size ?? 0) > this.#turn.comfortable
  }

  write(frame: Buffer): void {
    this.#turn.activity?.delivered()
    this.#gather(frame)
  }

  say(frame: RelayFrame): void {
    this.#turn.activity?.said(frame)
    this.#gather(textFrame(encode(frame)))
  }

  accept(id: string): void {
    this.#accepted ??= []
    this.#accepted.push(id)
    this.#list()
  }

  whenRoomy(): Promise<void> {
    this.#send()
    const socket = this.#socket
    if (this.#isEnded || socket.destroyed || socket.writableLength <= this.#turn.comfortable) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle)
        socket.off('close', settle)
        resolve()
      }
      socket.on('drain', settle)
      socket.on('close', settle)
    })
  }

  hasSpoken(): boolean {
    const answer = this.#hasSpoken
    this.#hasSpoken = false
    return answer
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#accepted) {
      const ids = this.#accepted
      this.#accepted = undefined
      // What is said here goes out here: it needs no turn of its own.
      this.#isListed = true
      this.say({ type: 'accepted', ids })
    }
    this.#isListed = false
    this.#send()
  }

  end(code: number, reason: string): void {
    const ws = this.#ws
    if (this.#isEnded || ws.readyState === ws.CLOSED) return
    // Said before the mark, so that being too slow in this very flush wins over the given code.
    if (code !== CloseCode.TooSlow) this.flush()
    if (this.#isEnded) return
    this.#isEnded = true
    this.#turn.activity?.ended(code, reason)
    ws.close(code, reason)
    const patience = code === CloseCode.TooSlow ? SLOW_PATIENCE : CLOSE_PATIENCE
    const timer = setTimeout(() => ws.terminate(), patience)
    ws.once('close', () => clearTimeout(timer))
  }

  #list(): void {
    if (this.#isListed) return
    this.#isListed = true
    this.#turn.list(this)
  }

  #gather(frame: Buffer): void {
    if (this.isOver) return
    this.#hasSpoken = true
    this.#gathered = (this.#gathered ?? this.#turn.nothing).and(frame)
    this.#list()
    if (this.#gathered.size > MAX_GATHERED) this.#send()
  }

  #send(): void {
    if (!this.#gathered) return
    const bytes = this.#gathered.bytes()
    this.#gathered = undefined
    if (this.#ws.readyState !== this.#ws.OPEN) return
    // A burst within one turn is no sign of a slow reader: let the kernel take what it can, then judge.
    this.#socket.write(bytes)
    if (this.#socket.writableLength > this.#turn.maxBuffered) {
      this.end(CloseCode.TooSlow, 'too slow: too much is unsent')
    }
  }
}

const MAX_GATHERED = 65_536
const MAX_UNSENT_REPLAY = 262_144
const SLOW_PATIENCE = 1000
const CLOSE_PATIENCE = 5000
