import type { WebSocket } from 'ws'
import * as CloseCode from '../../src/protocol/close-codes.js'
import { decodeClientFrame, isPageId, parse } from '../../src/protocol/codec.js'
import type { ClientFrame, HelloFrame, RoomRequest, SendFrame } from '../../src/protocol/frames.js'
import { isName } from '../../src/protocol/names.js'
import { publicTab, type Access } from './access.js'
import type { Lane } from './fan-out.js'
import { takeIn, type Bearer } from './intake.js'
import { MAX_WAITING, MAX_WAITING_SIZE, NAME_RULE, type Refusal } from './limits.js'
import { LogUnavailable, type PatientLog } from './log/patient.js'
import type { Logger } from './logger.js'
import type { Rights } from './rights.js'
import type { Rooms } from './rooms.js'
import { KeysUnavailable } from './tokens.js'

/** One connection, from its first byte to its last. */
export interface Peer {
  readonly lane: Lane
  /** Answers nothing that comes from now on, and resolves when what had come is answered. */
  finish(): Promise<void>
  /** Ends the connection because of an error of ours. */
  fail(error: unknown): void
  terminate(): void
}

export interface PeerOptions {
  readonly ws: WebSocket
  readonly lane: Lane
  readonly access: Access
  readonly log: PatientLog
  readonly rooms: Rooms
  readonly logger: Logger
  /** What every welcome says. */
  readonly terms: { readonly beat: number; readonly maxBytes: number; readonly window: number }
  readonly maxRooms: number
  /** How long a connection may take to say hello, in milliseconds. */
  readonly helloTimeout: number
}

/** `greeting`: nothing but hello is taken. `open`: welcome has been said. */
type State =
  | { readonly state: 'greeting' }
  | { readonly state: 'open'; readonly tab: string; readonly bearer: Bearer; readonly user: string | undefined }

/** A frame that waits its turn, and when it came. */
interface Arrival {
  readonly frame: Exclude<ClientFrame, { type: 'ping' }>
  readonly at: number
}

export function createPeer(options: PeerOptions): Peer {
  const { ws, lane, access, log, rooms, logger, terms, maxRooms, helloTimeout } = options
  const joined = new Set<string>()
  const waiting: Arrival[] = []
  let state: State = { state: 'greeting' }
  let work: Promise<void> | undefined
  let hasSaidHello = false
  let waitingSize = 0
  let isFinishing = false
  let expiry: NodeJS.Timeout | undefined
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
    clearTimeout(expiry)
    waiting.length = 0
    for (const room of joined) rooms.leave(room, lane)
    joined.clear()
    logger.debug({ code }, 'a connection ended')
  })

  function receive(text: string): void {
    const frame = decodeClientFrame(text)
    if (frame.type === 'malformed') return endMalformed(text)
    const isHello = frame.type === 'hello'
    if (isHello === hasSaidHello) {
      return endInTurn(CloseCode.BadFrame, isHello ? 'a second hello' : 'hello comes first')
    }
    if (frame.type === 'unknown') return
    if (isHello) {
      hasSaidHello = true
      clearTimeout(helloTimer)
    }
    // A probe asks about the line, not about the log: it overtakes what waits.
    if (frame.type === 'ping') return lane.say({ type: 'pong' })
    waiting.push({ frame, at: performance.now() })
    waitingSize += text.length
    if (waiting.length >= MAX_WAITING || waitingSize >= MAX_WAITING_SIZE) ws.pause()
    work ??= handleWaiting()
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

  async function finish(): Promise<void> {
    isFinishing = true
    await work
  }

  /** One connection is handled in order, however long the log takes. */
  async function handleWaiting(): Promise<void> {
    try {
      for (let next = waiting.shift(); next && !lane.isOver; next = waiting.shift()) {
        await handle(next)
        if (waiting.length > 0) continue
        waitingSize = 0
        if (ws.isPaused) ws.resume()
      }
    } catch (error) {
      fail(error)
    } finally {
      work = undefined
    }
  }

  function handle({ frame, at }: Arrival): Promise<void> | undefined {
    if (frame.type === 'hello') return greet(frame, at)
    if (state.state === 'greeting') return undefined
    switch (frame.type) {
      case 'signal':
        return take(frame, state.bearer)
      case 'join':
        return join(frame, state.bearer.rights, at)
      case 'leave':
        return leave(frame.room)
      case 'token':
        return renew(frame.token, state)
    }
  }

  async function greet({ tab: secret, token, rooms: requests }: HelloFrame, at: number): Promise<void> {
    const rights = await access.rightsOf(token)
    if (lane.isOver) return
    if (!rights) return endUnauthorized()
    const { user } = rights
    const tab = publicTab(secret)
    const sender = { tab, ...(user !== undefined && { user }) }
    welcome(tab, { sender, rights, isOwnId: isPageId })
    for (const request of requests) await join(request, rights, at)
  }

  /** Says what is agreed on, at first and whenever the rights change. */
  function welcome(tab: string, bearer: Bearer): void {
    const { user, expires } = bearer.rights
    state = { state: 'open', tab, bearer, user }
    watchExpiry(expires)
    lane.say({
      type: 'welcome',
      v: VERSION,
      tab,
      ...(user !== undefined && { user }),
      ...(expires !== undefined && { expires }),
      ...terms,
    })
  }

  async function take(frame: SendFrame, bearer: Bearer): Promise<void> {
    const refusal = await takeIn(frame, bearer, log, () => lane.isOver)
    if (refusal) lane.say({ type: 'refused', id: frame.id, ...refusal })
    else lane.accept(frame.id)
  }

  async function join({ room, since }: RoomRequest, rights: Rights, at: number): Promise<void> {
    if (lane.isOver) return
    const refusal = refuseRoom(room, rights)
    if (refusal) return lane.say({ type: 'refused', room, ...refusal })
    joined.add(room)
    // What is asked for grew older while the frame waited its turn.
    const waited = performance.now() - at
    await rooms.join(room, lane, since && 'age' in since ? { age: since.age + waited } : since)
  }

  function refuseRoom(room: string, rights: Rights): Refusal | undefined {
    if (!isName(room)) return { code: 'bad-name', text: `The room's name is not legal. ${NAME_RULE}` }
    if (!(rights.join?.(room) ?? true)) return { code: 'denied', text: 'You may not hear this room.' }
    if (joined.has(room) || joined.size < maxRooms) return undefined
    return { code: 'too-many', text: `A connection may be in ${maxRooms} rooms. Leave one first.` }
  }

  function leave(room: string): undefined {
    if (joined.delete(room)) rooms.leave(room, lane)
  }

  async function renew(token: string, { tab, bearer, user }: Extract<State, { state: 'open' }>): Promise<void> {
    const rights = await access.rightsOf(token)
    if (lane.isOver) return
    if (!rights || rights.user !== user) return endUnauthorized()
    welcome(tab, { ...bearer, rights })
    for (const room of joined) {
      if (rights.join?.(room) ?? true) continue
      leave(room)
      lane.say({ type: 'left', room, code: 'denied' })
    }
  }

  function watchExpiry(expires: number | undefined): void {
    clearTimeout(expiry)
    if (expires === undefined) return
    const wait = Math.min(Math.max(expires - Date.now(), 0), LONGEST_TIMER)
    expiry = setTimeout(() => (Date.now() < expires ? watchExpiry(expires) : endUnauthorized()), wait)
    expiry.unref()
  }

  // One text for every cause: what is wrong with a token is nobody's business but its owner's.
  function endUnauthorized(): void {
    lane.end(CloseCode.Unauthorized, 'the token is missing, wrong or expired')
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
    fail,
    terminate: () => ws.terminate(),
  }
}

const VERSION = 1
const UNSUPPORTED_DATA = 1003
const LONGEST_TIMER = 2_147_483_647
