import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from './access.js'
import { ClientGone } from './body.js'
import type { Logger } from './logger.js'
import { LogUnavailable } from './log/patient.js'
import type { Posts } from './posts.js'
import { json, problem, withHeaders, writeReply, type Reply } from './reply.js'
import { KeysUnavailable } from './tokens.js'

interface Health {
  readonly isDraining: boolean
  readonly connections: number
  readonly rooms: number
}

export interface HttpOptions {
  /** The path of the WebSocket, which takes farewells too. */
  readonly path: string
  readonly access: Access
  readonly posts: Posts
  readonly page: (path: string) => Promise<Reply>
  readonly health: () => Health
  readonly logger: Logger
}

/** Answers every request that is not for a WebSocket. */
export function createHttp({ path, access, posts, page, health, logger }: HttpOptions) {
  const startedAt = performance.now()

  function route(request: IncomingMessage): Promise<Reply> | Reply {
    const target = (request.url ?? '/').split('?')[0] ?? '/'
    switch (target) {
      case '/health':
        return isRead(request) ? tellHealth() : wrongMethod('GET')
      case '/publish':
        if (request.method !== 'POST') return wrongMethod('POST')
        return health().isDraining ? LEAVING : posts.publish(request)
      case path:
        return farewell(request)
    }
    return isRead(request) ? page(target) : wrongMethod('GET')
  }

  function tellHealth(): Reply {
    const { isDraining, connections, rooms } = health()
    const uptime = Math.round((performance.now() - startedAt) / 1000)
    return json(isDraining ? 503 : 200, { status: isDraining ? 'draining' : 'ok', uptime, connections, rooms })
  }

  async function farewell(request: IncomingMessage): Promise<Reply> {
    if (isRead(request)) return NOT_A_PAGE
    const { origin, host } = request.headers
    const refusal = access.refuse(origin, host)
    if (refusal !== undefined) return problem(403, 'origin', refusal)
    const cors: Reply['headers'] = origin === undefined ? {} : { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' }
    return withHeaders(await answerFarewell(request), cors)
  }

  async function answerFarewell(request: IncomingMessage): Promise<Reply> {
    if (request.method === 'OPTIONS') return PREFLIGHT
    if (request.method !== 'POST') return wrongMethod('POST')
    return health().isDraining ? LEAVING : posts.farewell(request)
  }

  async function answer(request: IncomingMessage): Promise<Reply> {
    try {
      return await route(request)
    } catch (error) {
      if (error instanceof LogUnavailable || error instanceof KeysUnavailable) return UNAVAILABLE
      if (error instanceof ClientGone) return GONE
      logger.error({ error: String(error) }, 'a request failed')
      return problem(500, 'internal', 'The relay failed on this request. Its log says why.')
    }
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    // The short limit is for connections that say nothing; an answer may have to wait for the log.
    request.socket.setTimeout(REQUEST_TIMEOUT)
    void answer(request).then((reply) => writeReply(response, reply))
  }
}

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
const RETRY = { 'Retry-After': '5' }
const LEAVING = problem(503, 'restart', 'The relay is shutting down. Send this again in a few seconds.', RETRY)
const UNAVAILABLE = problem(503, 'unavailable', 'The relay cannot do this now. Send this again, unchanged.', RETRY)
const GONE = problem(400, 'incomplete', 'The body did not come to its end.', { Connection: 'close' })
const NOT_A_PAGE = problem(426, 'websocket', 'This address is for WebSockets: connect with ws:// or wss://.', {
  Upgrade: 'websocket',
})

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

function wrongMethod(allowed: string): Reply {
  return problem(405, 'wrong-method', `Use ${allowed} here.`, { Allow: allowed, Connection: 'close' })
}
