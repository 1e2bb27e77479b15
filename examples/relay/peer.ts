import type { WebSocket } from 'ws'
import * as CloseCode from '../../src/protocol/close-codes.js'
import { decodeClientFrame, parse } from '../../src/protocol/codec.js'
import type { Lane } from './fan-out.js'
import { LogUnavailable } from './log/patient.js'
import type { Logger } from './logger.js'
import { createPace } from './limits/pace.js'
import { createSession, type Arrival, type SessionOptions } from './session.js'
import { KeysUnavailable } from './access/tokens.js'
import { createTurns } from './turns.js'

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

export interface PeerOptions extends Omit<SessionOptions, 'terms'> {
  readonly ws: WebSocket
  readonly logger: Logger
  /** What every welcome says. */
  readonly terms: Omit<SessionOptions['terms'], 'v'>
  /** Frames per second that are handled, twice as many after a rest; the others wait their turn. */
  readonly rate: number
  /** How long a connection may take to say hello, in milliseconds. */
  readonly helloTimeout: number
}

/** Reads frames, and brings them to the session one after the other. */
export function createPeer({ ws, logger, rate, helloTimeout, terms, ...options }: PeerOptions): Peer {
  const { lane } = options
  const session = createSession({ ...options, terms: { v: VERSION, ...terms } })
  const pace = createPace({ rate, burst: 2 * rate })
  const reading = createReading(ws)
  const turns = createTurns<Arrival>({
    handle: handleInPace,
    isOver: () => lane.isOver,
    onError: fail,
    onFull: () => reading.pause('full'),
    onEmpty: () => reading.resume('full'),
  })
  let hasSaidHello = false
  let isFinishing = false
  const helloTimer = setTimeout(() => lane.end(CloseCode.HelloTimeout, 'no hello in time'), helloTimeout)

  ws.on('message', (bytes: Buffer, isBinary) => {
    if (lane.isOver || isFinishing) return
    try {
      if (isBinary) return endInTurn(UNSUPPORTED_DATA, 'text frames only')
      receive(bytes.toString())
    } catch (error) {
      fail(error)
    }
  })
  ws.on('error', (error) => logger.debug({ error: error.message }, 'a connection broke the rules of WebSocket'))
  ws.once('close', (code) => {
    clearTimeout(helloTimer)
    turns.clear()
    session.end()
    logger.debug({ code }, 'a connection ended')
  })

  function receive(text: string): void {
    const frame = decodeClientFrame(text)
    if (frame.type === 'malformed') return endMalformed(text)
    const isHello = frame.type === 'hello'
    if (isHello === hasSaidHello) {
      return endInTurn(CloseCode.BadFrame, isHello ? 'a second hello' : 'hello comes first')
    }
    if (isHello) {
      hasSaidHello = true
      clearTimeout(helloTimer)
    }
    if (frame.type === 'unknown') return rest()
    if (frame.type !== 'ping') return turns.push({ frame, at: performance.now() }, text.length)
    // A probe asks about the line, not about the log: it overtakes what waits.
    lane.say({ type: 'pong' })
    rest()
  }

  /** What does not wait its turn is slowed down by reading less. */
  function rest(): void {
    const wait = pace.take()
    if (wait === 0) return
    reading.pause('resting')
    setTimeout(() => reading.resume('resting'), wait).unref()
  }

  function handleInPace(arrival: Arrival): Promise<void> | undefined {
    const wait = arrival.frame.type === 'hello' ? 0 : pace.take()
    if (wait === 0) return session.handle(arrival)
    return pause(wait).then(() => (lane.isOver ? undefined : session.handle(arrival)))
  }

  function endMalformed(text: string): void {
    const fields = parse(text)
    if (!hasSaidHello && fields?.type === 'hello' && typeof fields.v === 'number' && fields.v !== VERSION) {
      return endInTurn(CloseCode.Version, `this relay speaks version ${VERSION}`)
    }
    endInTurn(CloseCode.BadFrame, 'not a frame of the protocol')
  }

  /** Ends the connection when what came before is answered. */
  function endInTurn(code: number, reason: string): void {
    void finish().then(() => lane.end(code, reason))
  }

  function finish(): Promise<void> {
    isFinishing = true
    return turns.done()
  }

  function fail(error: unknown): void {
    if (lane.isOver) return
    if (error instanceof LogUnavailable) return lane.end(CloseCode.Restart, 'the log is out of reach')
    if (error instanceof KeysUnavailable) {
      logger.warn({ error: String(error.cause) }, error.message)
      return lane.end(CloseCode.Restart, 'tokens cannot be checked now')
    }
    logger.error({ error: String(error) }, 'a connection failed')
    lane.end(CloseCode.Internal, 'the relay failed')
  }

  return {
    lane,
    finish,
    review: session.review,
    fail,
    terminate: () => ws.terminate(),
  }
}

const VERSION = 1
const UNSUPPORTED_DATA = 1003

/** Reading stops while there is any reason for it. */
function createReading(ws: WebSocket) {
  const reasons = new Set<'full' | 'resting'>()
  return {
    pause(reason: 'full' | 'resting'): void {
      reasons.add(reason)
      ws.pause()
    },
    resume(reason: 'full' | 'resting'): void {
      if (reasons.delete(reason) && reasons.size === 0) ws.resume()
    },
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
