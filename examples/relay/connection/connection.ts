import * as CloseCode from '../../../src/protocol/close-codes.js'
import { decodeClientFrame, parse } from '../../../src/protocol/codec.js'
import type { Writer } from '../output/writer.js'
import { LogUnavailable } from '../signal-log/retry.js'
import type { Logger } from '../logger.js'
import { Throttle } from '../limits/rate-limit.js'
import { EpochChanged } from '../signal-log/log.js'
import { Session, VERSION, type ReceivedFrame, type SessionOptions } from './session.js'
import { KeysUnavailable } from '../access/tokens.js'
import { SerialQueue, type QueueConsumer } from './serial-queue.js'
import type { FrameSocket } from '../output/frame-socket.js'

const UNSUPPORTED_DATA = 1003
/** Time over which senders reconnect after a new epoch of the log (ms). */
const RECONNECT_SPREAD = 1000

/** Signals that are logged together. A client has at most as many unanswered. */
const MAX_SIGNALS = 256

/** One connection, from its first byte to its last. */
export interface Connection {
  readonly writer: Writer
  /** Ignores all further frames, and resolves when the earlier ones are answered. */
  finish(): Promise<void>
  /** Ends the connection if its rights are no longer valid. */
  recheckRights(): void
  /** Ends the connection after an error of the relay. */
  fail(error: unknown): void
  terminate(): void
}

/** Options that all connections of a relay share. */
export interface ConnectionOptions extends SessionOptions {
  readonly logger: Logger
  /** Frames per second that are handled, twice as many in a burst; further frames are delayed. */
  readonly rate: number
  /** Time until a connection must have sent hello (ms). */
  readonly helloTimeout: number
}

type OnClose = (writer: Writer) => void

/** Reads frames, and passes them to the session one by one. */
export function createConnection(
  ws: FrameSocket,
  writer: Writer,
  options: ConnectionOptions,
  onClose: OnClose,
): Connection {
  return new SocketConnection(ws, writer, options, onClose)
}

class SocketConnection implements Connection, QueueConsumer<ReceivedFrame> {
  readonly writer: Writer
  readonly #ws: FrameSocket
  readonly #logger: Logger
  readonly #session: Session
  readonly #throttle: Throttle
  readonly #queue = new SerialQueue<ReceivedFrame>(this)
  #helloTimer: NodeJS.Timeout | undefined
  #hasHello = false
  #isFinishing = false
  // Reading is paused while either of these is set.
  #isFull = false
  #throttleTimer: NodeJS.Timeout | undefined

  constructor(ws: FrameSocket, writer: Writer, options: ConnectionOptions, onClose: OnClose) {
    const { logger, rate, helloTimeout } = options
    this.writer = writer
    this.#ws = ws
    this.#logger = logger
    this.#session = new Session(writer, options)
    this.#throttle = new Throttle({ rate, burst: 2 * rate })
    this.#helloTimer = setTimeout(() => writer.end(CloseCode.HelloTimeout, 'no hello in time'), helloTimeout)
    ws.on('message', (bytes: Buffer, isBinary) => this.#read(bytes, isBinary))
    ws.on('error', (error) => logger.debug({ error: error.message }, 'a connection violated the WebSocket protocol'))
    ws.on('close', (code) => {
      this.#close(code)
      onClose(writer)
    })
  }

  get isEnded(): boolean {
    return this.writer.isEnded
  }

  finish(): Promise<void> {
    this.#isFinishing = true
    return this.#queue.whenIdle()
  }

  recheckRights(): void {
    this.#session.recheckRights()
  }

  fail(error: unknown): void {
    if (this.writer.isEnded) return
    if (error instanceof LogUnavailable) return this.writer.end(CloseCode.Restart, 'the log is unavailable')
    if (error instanceof EpochChanged) return this.#requestResend()
    if (error instanceof KeysUnavailable) {
      this.#logger.warn({ error: String(error.cause) }, error.message)
      return this.writer.end(CloseCode.Restart, 'tokens cannot be checked now')
    }
    this.#logger.error({ error: String(error) }, 'a connection failed')
    this.writer.end(CloseCode.Internal, 'the relay failed')
  }

  /** Asks the client to reconnect and to send first the unaccepted signals that the log lost. */
  #requestResend(): void {
    this.writer.send({ type: 'goodbye', retryAfter: Math.floor(Math.random() * RECONNECT_SPREAD), reason: 'log' })
    this.writer.end(CloseCode.Restart, 'the log began a new epoch')
  }

  terminate(): void {
    this.#ws.terminate()
  }

  /** Handles the next frame of the queue, or the next signals to one room. */
  handle(queue: ReceivedFrame[]): Promise<void> | undefined {
    const wait = queue[0]?.frame.type === 'hello' ? 0 : this.#throttle.reserve()
    if (wait === 0) return this.#session.handle(this.#takeFrames(queue))
    return pause(wait).then(() => (this.writer.isEnded ? undefined : this.#session.handle(this.#takeFrames(queue))))
  }

  /** Takes the first frame, and the further signals to the same room that are not throttled. */
  #takeFrames(queue: ReceivedFrame[]): ReceivedFrame[] {
    const most = Math.min(queue.length, MAX_SIGNALS)
    let count = 1
    while (count < most && areToSameRoom(queue[0], queue[count]) && this.#throttle.tryReserve()) count += 1
    return queue.splice(0, count)
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
    if (this.writer.isEnded || this.#isFinishing) return
    try {
      if (isBinary) return this.#endAfterQueue(UNSUPPORTED_DATA, 'text frames only')
      this.#receive(bytes.toString())
    } catch (error) {
      this.fail(error)
    }
  }

  #receive(text: string): void {
    const frame = decodeClientFrame(text)
    if (frame.type === 'malformed') return this.#endMalformed(text)
    const isHello = frame.type === 'hello'
    if (isHello === this.#hasHello) {
      return this.#endAfterQueue(CloseCode.BadFrame, isHello ? 'a second hello' : 'hello comes first')
    }
    if (isHello) {
      this.#hasHello = true
      this.#stopHelloTimer()
    }
    if (frame.type === 'unknown') return this.#throttleReading()
    if (frame.type !== 'ping') return this.#enqueue(frame, text.length)
    // A ping tests the connection, not the log: it overtakes the queue.
    this.writer.send({ type: 'pong' })
    this.#throttleReading()
  }

  /** The rooms of a hello are queued as joins, and rate limited like all frames. */
  #enqueue(frame: ReceivedFrame['frame'], size: number): void {
    const at = performance.now()
    this.#queue.push({ frame, at }, size)
    if (frame.type !== 'hello') return
    for (const request of frame.rooms) this.#queue.push({ frame: { type: 'join', ...request }, at }, 0)
  }

  /** Rate-limits frames that bypass the queue by pausing the socket. */
  #throttleReading(): void {
    if (this.#throttle.reserve() === 0 || this.#throttleTimer) return
    this.#ws.pause()
    this.#resumeWhenDue()
  }

  #resumeWhenDue(): void {
    // Frames that arrived before the pause took effect have reserved further time.
    const wait = this.#throttle.wait()
    this.#throttleTimer = wait > 0 ? setTimeout(() => this.#resumeWhenDue(), Math.ceil(wait)).unref() : undefined
    if (!this.#throttleTimer) this.#resume()
  }

  #resume(): void {
    if (!this.#isFull && !this.#throttleTimer) this.#ws.resume()
  }

  #endMalformed(text: string): void {
    const fields = parse(text)
    if (!this.#hasHello && fields?.type === 'hello' && typeof fields.v === 'number' && fields.v !== VERSION) {
      return this.#endAfterQueue(CloseCode.Version, `this relay speaks version ${VERSION}`)
    }
    this.#endAfterQueue(CloseCode.BadFrame, 'not a frame of the protocol')
  }

  /** Ends the connection after the queued frames are answered. */
  #endAfterQueue(code: number, reason: string): void {
    void this.finish().then(() => this.writer.end(code, reason))
  }

  #stopHelloTimer(): void {
    clearTimeout(this.#helloTimer)
    this.#helloTimer = undefined
  }

  #close(code: number): void {
    this.#stopHelloTimer()
    clearTimeout(this.#throttleTimer)
    this.#queue.clear()
    this.#session.end()
    this.#logger.debug({ code }, 'a connection ended')
  }
}

function areToSameRoom(first?: ReceivedFrame, other?: ReceivedFrame): boolean {
  return first?.frame.type === 'signal' && other?.frame.type === 'signal' && first.frame.room === other.frame.room
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
