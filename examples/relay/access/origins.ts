import { isIPv4 } from 'node:net'
import { isLoopback } from '../limits/addresses.js'
import { printable } from '../logger.js'

const NO_ORIGIN =
  'Without an Origin header this is not a browser. Start the relay with --open if such clients may come in without a token.'

export interface OriginOptions {
  /** The address that the relay is bound to. */
  readonly host: string
  /** Origins that are allowed beside the page's own host and this machine. */
  readonly origins: readonly string[]
  /** Whether a request without an Origin header, which browsers always send, may come in. */
  readonly mayBeMissing: boolean
}

/** Says why a request with these headers may not come in, or nothing. */
export type CheckOrigin = (origin: string | undefined, host: string | undefined) => string | undefined

export function createOriginCheck({ host, origins, mayBeMissing }: OriginOptions): CheckOrigin {
  const allowed = new Set(origins)
  const named = new Set(origins.filter(isWebOrigin).map(hostnameOf))

  function isSameHost(page: string, target: string | undefined): boolean {
    const relay = hostnameOf(`http://${target ?? ''}`)
    if (relay === undefined || page !== relay) return false
    // A name that somebody else's DNS points to this machine must not pass for the machine itself.
    if (isLoopback(host)) return isLoopback(relay)
    // Nor for any machine, where it is known which names are good. A name without a dot is in no public DNS.
    return origins.length === 0 || named.has(relay) || isIPv4(relay) || !relay.includes('.')
  }

  return (origin, target) => {
    if (origin === undefined) return mayBeMissing ? undefined : NO_ORIGIN
    if (allowed.has(origin)) return undefined
    const page = isWebOrigin(origin) ? hostnameOf(origin) : undefined
    if (page !== undefined && (isLoopback(page) || isSameHost(page, target))) return undefined
    return `This origin is not allowed. If it is yours, start the relay with --origin ${printable(origin)}`
  }
}

function isWebOrigin(origin: string): boolean {
  return /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
