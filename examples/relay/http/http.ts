import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../access/access.js'
import type { Counters } from '../metrics/counters.js'
import { ClientGone } from './body.js'
import { sumStates, type RelayState } from '../metrics/relay-state.js'
import type { Siblings } from '../siblings.js'
import type { HttpConnections } from './http-connections.js'
import type { Logger } from '../logger.js'
import type { Posts } from './posts.js'
import { json, problem, redirect, withHeaders, writeReply, type Reply } from './reply.js'
import { ROOMS_PATH } from './room-requests.js'
import { isTemporary, RETRY, UNAVAILABLE } from './unavailable.js'

/** Monitoring and requests with a key are answered even when the address has too many connections. */
const URGENT = new Set(['/health', '/ready', '/metrics', '/publish', '/revoke'])

const TOO_MANY = problem(
  429,
  'address-connections',
  'This address has too many HTTP connections. Try again later, or raise --max-connections-per-address.',
  { 'Retry-After': '10' },
)

/** Statuses that count as refusals. A 404 does not. */
const REFUSALS = new Set([400, 401, 403, 409, 413, 415, 429])

const REQUEST_TIMEOUT = 30_000

const PREFLIGHT: Reply = {
  status: 204,
  headers: {
    'Access-Control-Allow-Methods': 'POST',
    'Access-Control-Allow-Headers': 'content-type',
    'Access-Control-Max-Age': '600',
  },
  body: '',
}
const DRAINING = problem(503, 'restart', 'The relay is shutting down. Send this again in a few seconds.', RETRY)
const INCOMPLETE = problem(400, 'incomplete', 'The body is incomplete.', { Connection: 'close' })
const WEBSOCKET_ONLY = problem(426, 'websocket', 'This address is for WebSockets: connect with ws:// or wss://.', {
  Upgrade: 'websocket',
})

/** Handlers that require the key of an operator. */
interface AdminHandlers {
  metrics(request: IncomingMessage): Promise<Reply>
  dashboard(request: IncomingMessage, path: string): Promise<Reply>
}

export interface HttpOptions {
  /** The prefix of all paths; empty for none. */
  readonly base: string
  /** The path of the WebSocket below the base, which also accepts farewells. */
  readonly path: string
  readonly access: Access
  readonly posts: Posts
  /** Answers requests for `/rooms` and below. */
  readonly roomRequests: (request: IncomingMessage, path: string) => Promise<Reply>
  readonly revoke: (request: IncomingMessage) => Promise<Reply>
  readonly admin: AdminHandlers
  readonly page: (path: string) => Promise<Reply>
  readonly relayState: () => RelayState
  readonly siblings: Siblings
  readonly counters: Pick<Counters, 'refused'>
  readonly logger: Logger
  readonly assignSlot: HttpConnections['assignSlot']
}

/** Answers all requests except WebSocket handshakes. */
export function createHttp(options: HttpOptions) {
  const { base, path, access, posts, roomRequests, revoke, admin, page, relayState, siblings } = options
  const { counters, logger, assignSlot } = options
  const askForStates = siblings.share<void, RelayState>('state', relayState)
  const outside = problem(404, 'not-found', `This relay answers below ${base}, which --base sets.`)

  function route(request: IncomingMessage, isExtra: boolean): Promise<Reply> | Reply {
    const whole = (request.url ?? '/').split('?')[0] ?? '/'
    const target = base === '' ? whole : pathBelow(base, whole)
    if (target === undefined) return isRead(request) && whole === base ? redirect(rootOf(base)) : outside
    if (target === path) return farewell(request, isExtra)
    if (isExtra && !URGENT.has(target) && !isRoomPath(target)) return TOO_MANY
    switch (target) {
      case '/health':
        return isRead(request) ? reportHealth() : wrongMethod('GET')
      case '/ready':
        return isRead(request) ? reportReadiness() : wrongMethod('GET')
      case '/metrics':
        return isRead(request) ? admin.metrics(request) : wrongMethod('GET')
      case '/publish':
        return isPost(request) ? unlessDraining(() => posts.publish(request)) : wrongMethod('POST')
      case '/revoke':
        return isPost(request) ? unlessDraining(() => revoke(request)) : wrongMethod('POST')
    }
    if (isRoomPath(target)) return isRead(request) ? roomRequests(request, target) : wrongMethod('GET')
    if (target === '/dashboard' || target.startsWith('/dashboard/')) return admin.dashboard(request, target)
    return isRead(request) ? page(target) : wrongMethod('GET')
  }

  /** Answers whether the process is alive. */
  async function reportHealth(): Promise<Reply> {
    const { isDraining, uptime, connections, sockets, rooms } = sumStates(await askForStates())
    return json(isDraining ? 503 : 200, { status: isDraining ? 'draining' : 'ok', uptime, connections, sockets, rooms })
  }

  /** Answers whether a load balancer should send clients here. */
  async function reportReadiness(): Promise<Reply> {
    const { isDraining, log } = sumStates(await askForStates())
    if (isDraining) return json(503, { status: 'draining' })
    return log === 'away' ? json(503, { status: 'log-away' }) : json(200, { status: 'ready' })
  }

  function unlessDraining(answer: () => Promise<Reply>): Promise<Reply> | Reply {
    return relayState().isDraining ? DRAINING : answer()
  }

  async function farewell(request: IncomingMessage, isExtra: boolean): Promise<Reply> {
    if (isRead(request)) return WEBSOCKET_ONLY
    const { origin, host } = request.headers
    const refusal = access.checkOrigin(origin, host)
    if (refusal !== undefined) return problem(403, 'origin', refusal)
    const cors: Reply['headers'] = origin === undefined ? {} : { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' }
    return withHeaders(isExtra ? TOO_MANY : await answerFarewell(request), cors)
  }

  async function answerFarewell(request: IncomingMessage): Promise<Reply> {
    if (request.method === 'OPTIONS') return PREFLIGHT
    return isPost(request) ? unlessDraining(() => posts.fromPage(request)) : wrongMethod('POST')
  }

  async function answer(request: IncomingMessage, isExtra: boolean): Promise<Reply> {
    try {
      return await route(request, isExtra)
    } catch (error) {
      if (isTemporary(error)) return UNAVAILABLE
      if (error instanceof ClientGone) return INCOMPLETE
      logger.error({ error: String(error) }, 'a request failed')
      return problem(500, 'internal', 'The relay failed on this request. The log of the relay has the cause.')
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isExtra = assignSlot(request) === 'extra'
    const reply = await answer(request, isExtra)
    if (reply.error && REFUSALS.has(reply.status)) counters.refused(reply.error.code, reply.error.text)
    writeReply(response, isExtra ? withHeaders(reply, { Connection: 'close' }) : reply)
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    // The short timeout is for silent connections; a reply may have to wait for the log.
    request.socket.setTimeout(REQUEST_TIMEOUT)
    void handle(request, response)
  }
}

function pathBelow(base: string, path: string): string | undefined {
  return path.startsWith(`${base}/`) ? path.slice(base.length) : undefined
}

/** Returns the folder of a base, seen from the base itself. */
function rootOf(base: string): string {
  return `${base.slice(base.lastIndexOf('/') + 1)}/`
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

function isRoomPath(target: string): boolean {
  return target === ROOMS_PATH || target.startsWith(`${ROOMS_PATH}/`)
}

function isPost({ method }: IncomingMessage): boolean {
  return method === 'POST'
}

function wrongMethod(allowed: string): Reply {
  return problem(405, 'wrong-method', `Use ${allowed} here.`, { Allow: allowed, Connection: 'close' })
}
