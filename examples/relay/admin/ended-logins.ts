/** How many ended logins are remembered one by one. */
const MAX_ENDED = 1000

/** One login to the dashboard. */
export interface Login {
  readonly id: string
  /** When it ends by itself, in epoch milliseconds. */
  readonly expires: number
}

/** Logins that were ended before their time. */
export interface EndedLogins {
  add(login: Login): void
  has(login: Login): boolean
}

export function createEndedLogins(clock: () => number): EndedLogins {
  const ends = new Map<string, number>()
  // More than may be remembered have ended: so have all that are not younger.
  let horizon = 0

  function evictExpired(): void {
    for (const [id, expires] of ends) if (expires <= clock()) ends.delete(id)
  }

  function evictOldest(): void {
    const [oldest] = [...ends].toSorted(([, one], [, other]) => one - other)
    if (!oldest) return
    ends.delete(oldest[0])
    horizon = Math.max(horizon, oldest[1])
  }

  return {
    add({ id, expires }) {
      evictExpired()
      if (expires > clock()) ends.set(id, expires)
      if (ends.size > MAX_ENDED) evictOldest()
    },
    has: ({ id, expires }) => expires <= horizon || ends.has(id),
  }
}

/** Reads what another instance said. */
export function readLogin(message: unknown): Login | undefined {
  const { login, expires } = { ...(message as Record<string, unknown> | null | undefined) }
  if (typeof login !== 'string' || typeof expires !== 'number' || !Number.isFinite(expires)) return undefined
  return { id: login, expires }
}
