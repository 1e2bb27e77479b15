import { createHmac, timingSafeEqual } from 'node:crypto'
import { bearerOf, createKeyring, sha256 } from '../access/keys.js'
import { createTurnstile } from '../limits/rate-limit.js'

const MISTAKES = 10
const SECONDS_PER_MISTAKE = 6
const LIFETIME_SECONDS = 12 * 3600
const COOKIE = 'signalpost_dashboard'

export interface DoorOptions {
  /** The secret that opens it. */
  readonly key: string
  /** The wall clock, in epoch milliseconds. @default Date.now */
  readonly clock?: () => number
  /** A clock that never jumps, in milliseconds. @default performance.now */
  readonly now?: () => number
}

/** `wait`: milliseconds until somebody from there may try again. */
export type Admittance =
  { readonly is: 'in' } | { readonly is: 'out' } | { readonly is: 'waiting'; readonly wait: number }

/** Lets in whoever knows a secret; those who do not learn only now and then that theirs was wrong. */
export interface Door {
  /** Tries a secret. */
  knock(secret: string | undefined, from: string): Admittance
  /** Judges the headers of a request: a secret in Authorization, or the cookie of somebody who has been let in. */
  judge(
    headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined },
    from: string,
  ): Admittance
  /** The value of a Set-Cookie header for somebody who is let in; `isSecure` keeps it off plain http. */
  cookie(isSecure: boolean): string
}

export function createDoor({ key, clock = () => Date.now(), now = () => performance.now() }: DoorOptions): Door {
  const keyring = createKeyring([{ name: 'door', secret: key }])
  const mistakes = createTurnstile({ rate: 1 / SECONDS_PER_MISTAKE, burst: MISTAKES, now })

  function knock(secret: string | undefined, from: string): Admittance {
    // Who knows the key is never held up: somebody else's mistakes may come from the same proxy.
    if (keyring.find(secret)) return { is: 'in' }
    const wait = mistakes.enter(from)
    return wait > 0 ? { is: 'waiting', wait } : { is: 'out' }
  }

  /** Any instance with the same key knows the cookie; another key ends all of them. */
  function seal(expires: string): string {
    return createHmac('sha256', key).update(`dashboard ${expires}`).digest('base64url')
  }

  function isSealed(value: string): boolean {
    const [expires = '', given = ''] = value.split('.')
    return Number(expires) > clock() && timingSafeEqual(sha256(given), sha256(seal(expires)))
  }

  return {
    knock,
    judge({ authorization, cookie }, from) {
      const value = new RegExp(`(?:^|; *)${COOKIE}=([\\w.-]+)`).exec(cookie ?? '')?.[1]
      if (value !== undefined && isSealed(value)) return { is: 'in' }
      return authorization === undefined ? { is: 'out' } : knock(bearerOf(authorization), from)
    },
    cookie(isSecure) {
      const expires = `${clock() + LIFETIME_SECONDS * 1000}`
      return cookieOf(`${expires}.${seal(expires)}`, LIFETIME_SECONDS, isSecure)
    },
  }
}

/** The value of a Set-Cookie header for somebody who leaves. */
export const NO_COOKIE = cookieOf('', 0, false)

function cookieOf(value: string, lifetime: number, isSecure: boolean): string {
  return `${COOKIE}=${value}; Path=/dashboard; Max-Age=${lifetime}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
}
