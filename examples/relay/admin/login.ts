import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readBearerToken, createKeyring, sha256 } from '../access/keys.js'
import { createRateLimiter } from '../limits/rate-limit.js'
import { createEndedLogins, type Login } from './ended-logins.js'

const MISTAKE_BURST = 10
const SECONDS_PER_MISTAKE = 6
const LIFETIME_SECONDS = 12 * 3600
const COOKIE = 'signalpost_dashboard'

export interface LoginsOptions {
  /** The secret that opens it. */
  readonly key: string
  /** What the cookies of this relay depend on beside the key. @default nothing: any instance with the key knows them */
  readonly salt?: string
  /** The wall clock, in epoch milliseconds. @default Date.now */
  readonly clock?: () => number
  /** A clock that never jumps, in milliseconds. @default performance.now */
  readonly now?: () => number
}

/** `wait`: milliseconds until somebody from there may try again. */
export type LoginResult =
  { readonly is: 'in' } | { readonly is: 'out' } | { readonly is: 'waiting'; readonly wait: number }

/** Lets in whoever knows a secret; those who do not learn only now and then that theirs was wrong. */
export interface Logins {
  /** Tries a secret. */
  logIn(secret: string | undefined, from: string): LoginResult
  /** Judges the headers of a request: a secret in Authorization, or the cookie of somebody who has been let in. */
  authenticate(
    headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined },
    from: string,
  ): LoginResult
  /** The value of a Set-Cookie header for somebody who is let in; `isSecure` keeps it off plain http. */
  cookie(isSecure: boolean): string
  /** Whose cookie it is, whether or not the login was ended. */
  loginOf(cookie: string | undefined): Login | undefined
  /** Ends a login before its time. */
  end(login: Login): void
}

export function createLogins({
  key,
  salt = '',
  clock = () => Date.now(),
  now = () => performance.now(),
}: LoginsOptions): Logins {
  const keyring = createKeyring([{ name: 'door', secret: key }])
  const mistakes = createRateLimiter({ rate: 1 / SECONDS_PER_MISTAKE, burst: MISTAKE_BURST, now })
  const ended = createEndedLogins(clock)

  function logIn(secret: string | undefined, from: string): LoginResult {
    // Who knows the key is never held up: somebody else's mistakes may come from the same proxy.
    if (keyring.find(secret)) return { is: 'in' }
    const wait = mistakes.consume(from)
    return wait > 0 ? { is: 'waiting', wait } : { is: 'out' }
  }

  /** Another key ends all logins. */
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
      if (login && !ended.has(login)) return { is: 'in' }
      return authorization === undefined ? { is: 'out' } : logIn(readBearerToken(authorization), from)
    },
    cookie(isSecure) {
      const login = { id: randomBytes(16).toString('base64url'), expires: clock() + LIFETIME_SECONDS * 1000 }
      return cookieOf(`${login.expires}.${login.id}.${sign(login)}`, LIFETIME_SECONDS, isSecure)
    },
    loginOf,
    end: ended.add,
  }
}

/** The value of a Set-Cookie header for somebody who leaves. */
export const NO_COOKIE = cookieOf('', 0, false)

function cookieOf(value: string, lifetime: number, isSecure: boolean): string {
  return `${COOKIE}=${value}; Path=/dashboard; Max-Age=${lifetime}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
}
