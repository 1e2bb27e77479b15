import { getDefaultHighWaterMark } from 'node:stream'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { encode } from '../../../src/protocol/codec.js'
import type { RelayFrame } from '../../../src/protocol/frames.js'
import { textFrame } from './frame.js'
import { createBatch, type Batch } from './batch.js'
import { createSendSchedule, type SendSchedule } from './send-schedule.js'
import type { FrameOutput, FrameSocket } from './frame-socket.js'

const MAX_BATCH_BYTES = 65_536
const MAX_UNSENT_REPLAY = 262_144
const SLOW_CLOSE_TIMEOUT = 1000
const CLOSE_TIMEOUT = 5000

/** The outgoing side of a connection. All frames pass through it in one order. */
export interface Writer {
  /** The key by which reads of the log for this connection take turns. */
  readonly reader?: string | object
  /** True when nothing more can be sent. */
  readonly isEnded: boolean
  /** True when a replay should wait for `whenDrained`, because too many bytes are unsent. */
  readonly isFull: boolean
  /** Sends an encoded frame, which other writers may share. */
  sendShared(frame: Buffer): void
  send(frame: RelayFrame): void
  /** Reports that a signal is in the log. One frame contains all ids of a turn of the event loop. */
  accept(id: string): void
  /** Resolves when the unsent bytes are sent or the connection has ended. */
  whenDrained(): Promise<void>
  /** Returns whether anything was sent since the previous call. */
  hasSentSinceLastCall(): boolean
  /** Sends the batch, then closes with a code. Later calls have no effect. */
  end(code: number, reason: string): void
}

export interface FanOut {
  /** @param address The client's address. Its connections share one turn in the log's read queue. */
  open(ws: FrameSocket, socket: FrameOutput, address?: string): Writer
}

/** Counts outgoing frames and closed connections. */
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

/** Collects the frames of one turn of the event loop, and sends them in one write per connection. */
export function createFanOut({ maxBuffered, counters }: FanOutOptions): FanOut {
  const shared: SharedState = {
    maxBuffered,
    // A stream that holds less than its high water mark never emits `drain`.
    replayLimit: Math.max(Math.min(maxBuffered / 2, MAX_UNSENT_REPLAY), getDefaultHighWaterMark(false)),
    counters,
    emptyBatch: createBatch(),
    schedule: createSendSchedule(() => {
      shared.emptyBatch = createBatch()
    }),
  }

  return { open: (ws, socket, address) => new SocketWriter(ws, socket, shared, address) }
}

/** State that all writers of a relay share. */
interface SharedState extends FanOutOptions {
  /** Unsent bytes at which a replay waits. */
  readonly replayLimit: number
  /** The empty batch that each writer starts from in this turn. */
  emptyBatch: Batch
  readonly schedule: SendSchedule
}

/** A class, because methods created per connection would take a third of its memory. */
class SocketWriter implements Writer {
  readonly reader: string | object
  readonly #ws: FrameSocket
  readonly #socket: FrameOutput
  readonly #shared: SharedState
  #accepted: string[] | undefined
  #batch: Batch | undefined
  #isScheduled = false
  #isEnding = false
  #hasSent = false

  constructor(ws: FrameSocket, socket: FrameOutput, shared: SharedState, address?: string) {
    this.reader = address ?? this
    this.#ws = ws
    this.#socket = socket
    this.#shared = shared
  }

  get isEnded(): boolean {
    // Nothing may follow a close frame of either side.
    return this.#isEnding || this.#ws.readyState !== this.#ws.OPEN
  }

  get isFull(): boolean {
    return this.#socket.writableLength + (this.#batch?.size ?? 0) > this.#shared.replayLimit
  }

  sendShared(frame: Buffer): void {
    if (this.isEnded) return
    this.#shared.counters?.delivered()
    // Frames that wait come first.
    if (this.#shared.schedule.sendsAtOnce(frame) && !this.#batch) this.#write(frame)
    else this.#append(frame)
  }

  send(frame: RelayFrame): void {
    if (this.isEnded) return
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

  /** Sends the current batch. */
  flush(): void {
    if (this.#accepted) {
      const ids = this.#accepted
      this.#accepted = undefined
      // This flush also sends the frame below, so it must not schedule another one.
      this.#isScheduled = true
      this.send({ type: 'accepted', ids })
    }
    this.#isScheduled = false
    this.#flushBatch()
  }

  end(code: number, reason: string): void {
    const ws = this.#ws
    if (this.#isEnding || ws.readyState === ws.CLOSED) return
    // Flush before setting the flag: a writer that is too slow in this flush closes with that code instead.
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
    this.#shared.schedule.add(this)
  }

  #append(frame: Buffer): void {
    this.#batch = (this.#batch ?? this.#shared.emptyBatch).append(frame)
    this.#schedule()
    if (this.#batch.size > MAX_BATCH_BYTES) this.#flushBatch()
  }

  #flushBatch(): void {
    if (!this.#batch) return
    const bytes = this.#batch.bytes()
    this.#batch = undefined
    if (this.#ws.readyState === this.#ws.OPEN) this.#write(bytes)
  }

  #write(bytes: Buffer): void {
    this.#hasSent = true
    // A burst within one turn does not mean a slow reader: write first, then check what the kernel did not take.
    this.#socket.write(bytes)
    if (this.#socket.writableLength > this.#shared.maxBuffered) {
      this.end(CloseCode.TooSlow, 'too slow: too much is unsent')
    }
  }
}
