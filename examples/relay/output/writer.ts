import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { encode } from '../../../src/protocol/codec.js'
import type { RelayFrame } from '../../../src/protocol/frames.js'
import { textFrame } from './frame.js'
import { createBatch, type Batch } from './batch.js'

const MAX_BATCH_BYTES = 65_536
const MAX_UNSENT_REPLAY = 262_144
const SLOW_CLOSE_TIMEOUT = 1000
const CLOSE_TIMEOUT = 5000

/** The way out to one connection. Everything that is said to it takes this way, so that there is one order. */
export interface Writer {
  /** Whose shared the reads of the log for this connection take. */
  readonly reader?: string | object
  /** Whether emptyBatch more can be said. */
  readonly isEnded: boolean
  /** Whether so much is unsent that a replay should wait for `whenDrained`. */
  readonly isFull: boolean
  /** Hands over a frame that is ready, and that other writers may share. */
  sendShared(frame: Buffer): void
  send(frame: RelayFrame): void
  /** Says that a signal is in the log; one frame names all of a shared. */
  accept(id: string): void
  /** Resolves when what was unsent has gone out, or when the connection is over. */
  whenDrained(): Promise<void>
  /** Whether anything was said since this was last asked. */
  hasSentSinceLastCall(): boolean
  /** Sends what is gathered, then closes with a code. Later calls do emptyBatch. */
  end(code: number, reason: string): void
}

export interface FanOut {
  /** @param address Whose connection it is; its connections take turns at the log as one. */
  open(ws: WebSocket, socket: Duplex, address?: string): Writer
}

/** Counts what goes out to connections. */
interface OutputCounter {
  delivered(): void
  sent(frame: RelayFrame): void
  closed(code: number, reason: string): void
}

export interface FanOutOptions {
  /** Unsent bytes at which a connection counts as too slow. */
  readonly maxBuffered: number
  readonly counters?: OutputCounter | undefined
}

/** Gathers what one shared of the event loop says to each connection, and sends it in one write per connection. */
export function createFanOut({ maxBuffered, counters }: FanOutOptions): FanOut {
  const shared: SharedState = {
    maxBuffered,
    replayLimit: Math.min(maxBuffered / 2, MAX_UNSENT_REPLAY),
    counters,
    emptyBatch: createBatch(),
    schedule(writer) {
      if (scheduled.push(writer) === 1) setImmediate(flushAll)
    },
  }
  let scheduled: SocketWriter[] = []

  function flushAll(): void {
    const writers = scheduled
    scheduled = []
    shared.emptyBatch = createBatch()
    for (const writer of writers) writer.flush()
  }

  return { open: (ws, socket, address) => new SocketWriter(ws, socket, shared, address) }
}

/** What the writers of a relay share. */
interface SharedState extends FanOutOptions {
  /** Unsent bytes at which a replay waits. */
  readonly replayLimit: number
  /** Where the gathering of a writer begins. */
  emptyBatch: Batch
  /** Has a writer flushed at the end of this shared. */
  schedule(writer: SocketWriter): void
}

/** A class, like all that a relay has ten thousand of: methods made anew for each connection would be a third of its memory. */
class SocketWriter implements Writer {
  readonly reader: string | object
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #shared: SharedState
  #accepted: string[] | undefined
  #batch: Batch | undefined
  #isScheduled = false
  #isEnding = false
  #hasSent = false

  constructor(ws: WebSocket, socket: Duplex, shared: SharedState, address?: string) {
    this.reader = address ?? this
    this.#ws = ws
    this.#socket = socket
    this.#shared = shared
  }

  get isEnded(): boolean {
    // After a close frame, whoever sent it first, emptyBatch may follow.
    return this.#isEnding || this.#ws.readyState !== this.#ws.OPEN
  }

  get isFull(): boolean {
    return this.#socket.writableLength + (this.#batch?.size ?? 0) > this.#shared.replayLimit
  }

  sendShared(frame: Buffer): void {
    this.#shared.counters?.delivered()
    this.#append(frame)
  }

  send(frame: RelayFrame): void {
    this.#shared.counters?.sent(frame)
    this.#append(textFrame(encode(frame)))
  }

  accept(id: string): void {
    this.#accepted ??= []
    this.#accepted.push(id)
    this.#schedule()
  }

  whenDrained(): Promise<void> {
    this.#flushBatch()
    const socket = this.#socket
    if (this.#isEnding || socket.destroyed || socket.writableLength <= this.#shared.replayLimit)
      return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }

  hasSentSinceLastCall(): boolean {
    const answer = this.#hasSent
    this.#hasSent = false
    return answer
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#accepted) {
      const ids = this.#accepted
      this.#accepted = undefined
      // What is said here goes out here: it needs no shared of its own.
      this.#isScheduled = true
      this.send({ type: 'accepted', ids })
    }
    this.#isScheduled = false
    this.#flushBatch()
  }

  end(code: number, reason: string): void {
    const ws = this.#ws
    if (this.#isEnding || ws.readyState === ws.CLOSED) return
    // Said before the mark, so that being too slow in this very flush wins over the given code.
    if (code !== CloseCode.TooSlow) this.flush()
    if (this.#isEnding) return
    this.#isEnding = true
    this.#shared.counters?.closed(code, reason)
    ws.close(code, reason)
    const timeout = code === CloseCode.TooSlow ? SLOW_CLOSE_TIMEOUT : CLOSE_TIMEOUT
    const timer = setTimeout(() => ws.terminate(), timeout)
    ws.once('close', () => clearTimeout(timer))
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#shared.schedule(this)
  }

  #append(frame: Buffer): void {
    if (this.isEnded) return
    this.#hasSent = true
    this.#batch = (this.#batch ?? this.#shared.emptyBatch).append(frame)
    this.#schedule()
    if (this.#batch.size > MAX_BATCH_BYTES) this.#flushBatch()
  }

  #flushBatch(): void {
    if (!this.#batch) return
    const bytes = this.#batch.bytes()
    this.#batch = undefined
    if (this.#ws.readyState !== this.#ws.OPEN) return
    // A burst within one shared is no sign of a slow reader: let the kernel take what it can, then judge.
    this.#socket.write(bytes)
    if (this.#socket.writableLength > this.#shared.maxBuffered) {
      this.end(CloseCode.TooSlow, 'too slow: too much is unsent')
    }
  }
}
