import type { WebSocket } from 'ws'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { decodeClientFrame, parse } from '../../../src/protocol/codec.js'
import type { Lane } from '../output/writer.js'
import { LogUnavailable } from '../log/retry.js'
import type { Logger } from '../logger.js'
import { Throttle } from '../limits/rate-limit.js'
import { EpochChanged } from '../log/log.js'
import { Session, VERSION, type Arrival, type SessionOptions } from './session.js'
import { KeysUnavailable } from '../access/tokens.js'
import { Turns, type TurnTaker } from './serial-queue.js'

/** One connection, from its first byte to its last. */
export interface Peer {
  readonly lane: Lane
  /** Answers nothing that comes from now on, and resolves when what had come is answered. */
  finish(): Promise<void>
  /** Ends the connection if its rights are not good any more. */
  review(): void
  /** Ends the connection because of an error of ours. */
  fail(error: unknown): void
  terminate(): void
}

/** What the connections of a relay share. */
export interface PeerOptions extends SessionOptions {
  readonly logger: Logger
  /** Frames per second that are handled, twice as many after a rest; the others wait their turn. */
  readonly rate: number
  /** How long a connection may take to say hello, in milliseconds. */
  readonly helloTimeout: number
}

/** Reads frames, and brings them to the session one after the other. */
export function createPeer(ws: WebSocket, lane: Lane, options: PeerOptions): Peer {
  return new ReadingPeer(ws, lane, options)
}

class ReadingPeer implements Peer, TurnTaker<Arrival> {
  readonly lane: Lane
  readonly #ws: WebSocket
  readonly #logger: Logger
  readonly #session: Session
  readonly #pace: Throttle
  readonly #turns = new Turns<Arrival>(this)
  #helloTimer: NodeJS.Timeout | undefined
  #hasSaidHello = false
  #isFinishing = false
  // Reading stops while there is any reason for it.
  #isFull = false
  #restTimer: NodeJS.Timeout | undefined

  constructor(ws: WebSocket, lane: Lane, options: PeerOptions) {
    const { logger, rate, helloTimeout } = options
    this.lane = lane
    this.#ws = ws
    this.#logger = logger
    this.#session = new Session(lane, options)
    this.#pace = new Throttle({ rate, burst: 2 * rate })
    this.#helloTimer = setTimeout(() => lane.end(CloseCode.HelloTimeout, 'no hello in time'), helloTimeout)
    ws.on('message', (bytes: Buffer, isBinary) => this.#read(bytes, isBinary))
    ws.on('error', (error) => logger.debug({ error: error.message }, 'a connection broke the rules of WebSocket'))
    ws.on('close', (code) => this.#close(code))
  }

  get isOver(): boolean {
    return this.lane.isOver
  }

  finish(): Promise<void> {
    this.#isFinishing = true
    return this.#turns.done()
  }

  review(): void {
    this.#session.review()
  }

  fail(error: unknown): void {
    if (this.lane.isOver) return
    if (error instanceof LogUnavailable) return this.lane.end(CloseCode.Restart, 'the log is out of reach')
    if (error instanceof EpochChanged) return this.#sendAgain()
    if (error instanceof KeysUnavailable) {
      this.#logger.warn({ error: String(error.cause) }, error.message)
      return this.lane.end(CloseCode.Restart, 'tokens cannot be checked now')
    }
    this.#logger.error({ error: String(error) }, 'a connection failed')
    this.lane.end(CloseCode.Internal, 'the relay failed')
  }

  /** Has the client come back, and send first what the log has lost and not accepted. */
  #sendAgain(): void {
    this.lane.say({ type: 'goodbye', retryAfter: Math.floor(Math.random() * RETURN_SPREAD), reason: 'log' })
    this.lane.end(CloseCode.Restart, 'the log began anew')
  }

  terminate(): void {
    this.#ws.terminate()
  }

  /** One frame, when its turn has come. */
  handle(arrival: Arrival): Promise<void> | undefined {
    const wait = arrival.frame.type === 'hello' ? 0 : this.#pace.reserve()
    if (wait === 0) return this.#session.handle(arrival)
    return pause(wait).then(() => (this.lane.isOver ? undefined : this.#session.handle(arrival)))
  }

  onError(error: unknown): void {
    this.fail(error)
  }

  onFull(): void {
    this.#isFull = true
    this.#ws.pause()
  }

  onEmpty(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#resume()
  }

  #read(bytes: Buffer, isBinary: boolean): void {
    if (this.lane.isOver || this.#isFinishing) return
    try {
      if (isBinary) return this.#endInTurn(UNSUPPORTED_DATA, 'text frames only')
      this.#receive(bytes.toString())
    } catch (error) {
      this.fail(error)
    }
  }

  #receive(text: string): void {
    const frame = decodeClientFrame(text)
    if (frame.type === 'malformed') return this.#endMalformed(text)
    const isHello = frame.type === 'hello'
    if (isHello === this.#hasSaidHello) {
      return this.#endInTurn(CloseCode.BadFrame, isHello ? 'a second hello' : 'hello comes first')
    }
    if (isHello) {
      this.#hasSaidHello = true
      this.#stopHelloTimer()
    }
    if (frame.type === 'unknown') return this.#rest()
    if (frame.type !== 'ping') return this.#queue(frame, text.length)
    // A probe asks about the line, not about the log: it overtakes what waits.
    this.lane.say({ type: 'pong' })
    this.#rest()
  }

  /** The rooms of a hello are joins, at the pace of all other frames. */
  #queue(frame: Arrival['frame'], size: number): void {
    const at = performance.now()
    this.#turns.push({ frame, at }, size)
    if (frame.type !== 'hello') return
    for (const request of frame.rooms) this.#turns.push({ frame: { type: 'join', ...request }, at }, 0)
  }

  /** What does not wait its turn is slowed down by reading less, until all of it has had its time. */
  #rest(): void {
    if (this.#pace.reserve() === 0 || this.#restTimer) return
    this.#ws.pause()
    this.#restOn()
  }

  #restOn(): void {
    // What had arrived before reading stopped came after the timer was set, and wants its time too.
    const wait = this.#pace.wait()
    this.#restTimer = wait > 0 ? setTimeout(() => this.#restOn(), Math.ceil(wait)).unref() : undefined
    if (!this.#restTimer) this.#resume()
  }

  #resume(): void {
    if (!this.#isFull && !this.#restTimer) this.#ws.resume()
  }

  #endMalformed(text: string): void {
    const fields = parse(text)
    if (!this.#hasSaidHello && fields?.type === 'hello' && typeof fields.v === 'number' && fields.v !== VERSION) {
      return this.#endInTurn(CloseCode.Version, `this relay speaks version ${VERSION}`)
    }
    this.#endInTurn(CloseCode.BadFrame, 'not a frame of the protocol')
  }

  /** Ends the connection when what came before is answered. */
  #endInTurn(code: number, reason: string): void {
    void this.finish().then(() => this.lane.end(code, reason))
  }

  #stopHelloTimer(): void {
    clearTimeout(this.#helloTimer)
    this.#helloTimer = undefined
  }

  #close(code: number): void {
    this.#stopHelloTimer()
    clearTimeout(this.#restTimer)
    this.#turns.clear()
    this.#session.end()
    this.#logger.debug({ code }, 'a connection ended')
  }
}

const UNSUPPORTED_DATA = 1003
/** The time over which senders come back when the log began anew (ms). */
const RETURN_SPREAD = 1000

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
