/** Maximum number of ended logins in memory. */
const MAX_ENDED = 1000

/** One login to the dashboard. */
export interface Login {
  readonly id: string
  /** When the login expires (epoch ms). */
  readonly expires: number
}

/** Logins that were ended before they expired. */
export interface EndedLogins {
  add(login: Login): void
  has(login: Login): boolean
}

export function createEndedLogins(clock: () => number): EndedLogins {
  const ends = new Map<string, number>()
  // When memory is full, all logins that expire up to this time count as ended.
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

/** Parses a logout of another instance. */
export function readLogin(message: unknown): Login | undefined {
  const { login, expires } = { ...(message as Record<string, unknown> | null | undefined) }
  if (typeof login !== 'string' || typeof expires !== 'number' || !Number.isFinite(expires)) return undefined
  return { id: login, expires }
}
