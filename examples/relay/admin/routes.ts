import type { IncomingMessage } from 'node:http'
import { mistakeKey, type AddressOf } from '../limits/client-address.js'
import type { BodyReader } from '../http/body.js'
import { NO_COOKIE, type LoginResult, type Logins } from './login.js'
import type { Login } from './ended-logins.js'
import type { Metrics } from '../metrics/prometheus.js'
import type { Overview } from './overview.js'
import { createFolder, policy } from '../http/pages.js'
import { json, problem, redirect, withHeaders, type Reply } from '../http/reply.js'

const MAX_FORM_BYTES = 4096

const PAGE_POLICY = policy("connect-src 'self'", "form-action 'self'", "require-trusted-types-for 'script'")

/** The dashboard, seen from a file in its folder. */
const DASHBOARD = '../dashboard'

const ASK_FOR_KEY = 'Send the header Authorization: Bearer <secret> with the secret of --dashboard-key.'
const NO_DASHBOARD = problem(404, 'closed', 'Start the relay with --dashboard-key to open /dashboard and /metrics.')
const NOT_FOUND = problem(404, 'not-found', 'There is nothing at this path. The dashboard is at /dashboard.')
const NOT_BUILT = problem(
  404,
  'not-built',
  'The dashboard is not built. Run npm run build, then start the relay again.',
)

export interface AdminRoutesOptions {
  /** Without logins, the dashboard is closed. */
  readonly logins: Logins | undefined
  readonly addressOf: AddressOf
  readonly bodies: BodyReader
  readonly metrics: Metrics
  readonly overview: Overview
  /** The folder of the dashboard's page. */
  readonly folder: string
  /** Ends a login on every instance. */
  readonly onLogout: (login: Login) => Promise<void>
}

/** Routes for operators only: the metrics and the dashboard. */
export interface AdminRoutes {
  metrics(request: IncomingMessage): Promise<Reply>
  dashboard(request: IncomingMessage, path: string): Promise<Reply>
}

export function createAdminRoutes(options: AdminRoutesOptions): AdminRoutes {
  const { logins, addressOf, bodies, metrics, overview, folder, onLogout } = options
  const files = createFolder(folder, PAGE_POLICY)

  function authenticate(request: IncomingMessage): LoginResult {
    return logins?.authenticate(request.headers, mistakeKey(request, addressOf)) ?? { status: 'denied' }
  }

  async function readMetrics(): Promise<Reply> {
    const { contentType, text } = await metrics.read()
    return { status: 200, headers: { 'Content-Type': contentType }, body: text }
  }

  async function loginPage(): Promise<Reply> {
    return (await files('login.html')) ?? NOT_BUILT
  }

  /** Answers a failed login, whose path is in the folder of the dashboard. */
  async function loginPageWith(message: string, status: number): Promise<Reply> {
    const page = await loginPage()
    // The message is a constant text, never user input.
    const body = `${page.body}`.replaceAll('="dashboard/', '="').replace('<!-- message -->', message)
    return page === NOT_BUILT ? page : { ...page, status, body }
  }

  async function login(request: IncomingMessage): Promise<Reply> {
    const form = await bodies.form(request, MAX_FORM_BYTES)
    if (form && 'status' in form) return form
    const secret = form?.get('key') ?? undefined
    const result = logins?.logIn(secret, mistakeKey(request, addressOf)) ?? { status: 'denied' }
    switch (result.status) {
      case 'ok':
        return goTo(DASHBOARD, logins?.cookie(isSecure(request)))
      case 'denied':
        return loginPageWith('This is not the key. Enter the secret of --dashboard-key.', 403)
      case 'throttled':
        return withHeaders(
          await loginPageWith('Too many wrong keys came from this address. Enter the right one.', 429),
          retryAfter(result.wait),
        )
    }
  }

  async function logOut({ headers }: IncomingMessage): Promise<Reply> {
    const login = logins?.loginOf(headers.cookie)
    if (login) await onLogout(login)
    return goTo(DASHBOARD)
  }

  /** Reports whether a request comes from a form of the dashboard itself. */
  function isOwnForm({ method, headers }: IncomingMessage): boolean {
    return method === 'POST' && ['same-origin', 'none', undefined].includes(header(headers['sec-fetch-site']))
  }

  return {
    async metrics(request) {
      if (!logins) return NO_DASHBOARD
      const result = authenticate(request)
      switch (result.status) {
        case 'ok':
          return readMetrics()
        case 'denied':
          return problem(401, 'wrong-key', ASK_FOR_KEY, { 'WWW-Authenticate': 'Bearer' })
        case 'throttled':
          return tooMany(result.wait)
      }
    },

    async dashboard(request, path) {
      if (!logins) return NO_DASHBOARD
      if (path === '/dashboard/login' && isOwnForm(request)) return login(request)
      if (path === '/dashboard/logout' && isOwnForm(request)) return logOut(request)
      if (request.method !== 'GET' && request.method !== 'HEAD') return problem(405, 'wrong-method', 'Use GET here.')
      if (path === '/dashboard/') return redirect(DASHBOARD)
      const [target = '', query] = [path.slice('/dashboard'.length).replace(/^\//, ''), request.url?.split('?')[1]]
      // Scripts and styles contain no secrets, and the login form needs them.
      if (target === 'dashboard.css' || target.endsWith('.js')) return (await files(target)) ?? NOT_FOUND
      const result = authenticate(request)
      if (result.status === 'throttled') return tooMany(result.wait)
      if (target === 'state') {
        return result.status === 'ok'
          ? json(200, await overview.read(query === 'data'))
          : problem(401, 'wrong-key', ASK_FOR_KEY)
      }
      if (target !== '') return NOT_FOUND
      return result.status === 'ok' ? ((await files('index.html')) ?? NOT_BUILT) : loginPage()
    },
  }
}

function isSecure({ headers }: IncomingMessage): boolean {
  return header(headers['x-forwarded-proto']) === 'https'
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function goTo(path: string, cookie = NO_COOKIE): Reply {
  return withHeaders(redirect(path), { 'Set-Cookie': cookie })
}

function tooMany(wait: number): Reply {
  return problem(429, 'too-fast', 'Too many wrong keys came from this address. Correct the key.', retryAfter(wait))
}

function retryAfter(wait: number): Reply['headers'] {
  return { 'Retry-After': `${Math.ceil(wait / 1000)}` }
}
