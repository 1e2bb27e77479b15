import type { Token } from '../signals.js'

/** How long the application may take for a token, in milliseconds. */
const TOKEN_TIMEOUT = 15_000
/** A fresh token is asked for so long before the old one expires, or at half of a short life. */
const TOKEN_MARGIN = 30_000
/** However short a token lives, or however late a fresh one comes. */
const SHORTEST_WAIT = 1000
const LONGEST_TIMER = 2_147_483_647

export interface Tokens {
  /** Whether there may be a fresh one. */
  readonly isRenewable: boolean
  /** Asks the application. Only the answer to the last question counts, and none after `stop`. */
  ask(use: (token: string | undefined) => void, onFailure: (cause: unknown) => void): void
  replace(token: Token): void
  /** Calls back half a minute before the token expires, in epoch milliseconds, if there may be a fresh one. */
  beforeExpiry(expires: number | undefined, renew: () => void): void
  stop(): void
}

/** Asks the application for tokens, and waits neither for ever nor for an answer that is out of date. */
export function createTokens(token: Token | undefined): Tokens {
  let timer: ReturnType<typeof setTimeout> | undefined
  let question = 0

  function stop(): void {
    question += 1
    clearTimeout(timer)
  }

  async function answer(): Promise<string | undefined> {
    const text: unknown = typeof token === 'function' ? await token() : token
    if (text === undefined || typeof text === 'string') return text
    throw new TypeError('A token is a string.')
  }

  return {
    get isRenewable() {
      return typeof token === 'function'
    },

    ask(use, onFailure) {
      stop()
      const mine = question
      const settle = (then: () => void): void => {
        if (mine !== question) return
        stop()
        then()
      }
      timer = setTimeout(() => settle(() => onFailure(new Error('It took too long.'))), TOKEN_TIMEOUT)
      answer().then(
        (text) => settle(() => use(text)),
        (cause: unknown) => settle(() => onFailure(cause)),
      )
    },

    replace(next) {
      token = next
    },

    beforeExpiry(expires, renew) {
      clearTimeout(timer)
      const left = (expires ?? Infinity) - Date.now()
      const wait = Math.max(left - TOKEN_MARGIN, left / 2, SHORTEST_WAIT)
      if (typeof token === 'function' && wait < LONGEST_TIMER) timer = setTimeout(renew, wait)
    },

    stop,
  }
}
