import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readBearerToken, createKeyring, sha256 } from '../access/keys.js'
import { createRateLimiter } from '../limits/rate-limit.js'
import { unshared, type ShareChanges } from '../limits/shared-changes.js'
import { createEndedLogins, type Login } from './ended-logins.js'

const MISTAKE_BURST = 10
const SECONDS_PER_MISTAKE = 6
const LIFETIME_SECONDS = 12 * 3600
const COOKIE = 'signalpost_dashboard'

export interface LoginsOptions {
  /** The secret of the operators. */
  readonly key: string
  /** Part of the cookies' signature. @default empty: every instance with the key accepts them */
  readonly salt?: string
  /** Limits the mistakes of several processes together. */
  readonly share?: ShareChanges
  /** Wall clock (epoch ms). @default Date.now */
  readonly clock?: () => number
  /** Monotonic clock (ms). @default performance.now */
  readonly now?: () => number
}

/** `wait`: time until the next attempt is allowed (ms). */
export type LoginResult =
  { readonly status: 'ok' } | { readonly status: 'denied' } | { readonly status: 'throttled'; readonly wait: number }

/** Logins to the dashboard. Wrong secrets are rate limited. */
export interface Logins {
  /** Checks a secret. */
  logIn(secret: string | undefined, from: string): LoginResult
  /** Checks the headers of a request: a secret in Authorization, or the cookie of a login. */
  authenticate(
    headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined },
    from: string,
  ): LoginResult
  /** Returns a Set-Cookie value for a new login; `isSecure` restricts it to https. */
  cookie(isSecure: boolean): string
  /** Returns the login of a cookie, even if it was ended. */
  loginOf(cookie: string | undefined): Login | undefined
  /** Replaces the secret, which ends all logins. */
  setKey(key: string): void
  /** Ends a login before it expires. */
  end(login: Login): void
}

export function createLogins({
  key: firstKey,
  salt = '',
  share = unshared,
  clock = () => Date.now(),
  now = () => performance.now(),
}: LoginsOptions): Logins {
  let key = firstKey
  let keyring = createKeyring([{ name: 'dashboard', secret: key }])
  const mistakes = createRateLimiter({ rate: 1 / SECONDS_PER_MISTAKE, burst: MISTAKE_BURST, now }, share)
  const ended = createEndedLogins(clock)

  function logIn(secret: string | undefined, from: string): LoginResult {
    // A valid key is never rate limited: wrong ones may come from the same proxy.
    if (keyring.find(secret)) return { status: 'ok' }
    const wait = mistakes.consume(from)
    return wait > 0 ? { status: 'throttled', wait } : { status: 'denied' }
  }

  /** A new key invalidates all cookies. */
  function sign({ id, expires }: Login): string {
    return createHmac('sha256', key).update(`dashboard ${salt} ${expires} ${id}`).digest('base64url')
  }

  function loginOf(cookie = ''): Login | undefined {
    const value = new RegExp(`(?:^|; *)${COOKIE}=([\\w.-]+)`).exec(cookie)?.[1] ?? ''
    const [expires, id = '', given = ''] = value.split('.')
    const login = { id, expires: Number(expires) }
    const isGood = login.expires > clock() && timingSafeEqual(sha256(given), sha256(sign(login)))
    return isGood ? login : undefined
  }

  return {
    logIn,
    authenticate({ authorization, cookie }, from) {
      const login = loginOf(cookie)
      if (login && !ended.has(login)) return { status: 'ok' }
      return authorization === undefined ? { status: 'denied' } : logIn(readBearerToken(authorization), from)
    },
    cookie(isSecure) {
      const login = { id: randomBytes(16).toString('base64url'), expires: clock() + LIFETIME_SECONDS * 1000 }
      return cookieOf(`${login.expires}.${login.id}.${sign(login)}`, LIFETIME_SECONDS, isSecure)
    },
    loginOf,
    setKey(next) {
      key = next
      keyring = createKeyring([{ name: 'dashboard', secret: key }])
    },
    end: ended.add,
  }
}

/** The Set-Cookie value for a logout. */
export const NO_COOKIE = cookieOf('', 0, false)

function cookieOf(value: string, lifetime: number, isSecure: boolean): string {
  // Without a path, the cookie is for the folder of the request, which a proxy may have below a prefix.
  return `${COOKIE}=${value}; Max-Age=${lifetime}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
}
