import { isIPv4 } from 'node:net'
import { isLoopback } from '../limits/client-address.js'
import { printable } from '../logger.js'

const NO_ORIGIN =
  'The Origin header is missing, so this client is not a browser. Start the relay with --open to allow such clients without a token.'

export interface OriginOptions {
  /** The address that the relay listens on. */
  readonly host: string
  /** Allowed origins besides the page's own host and loopback. */
  readonly origins: readonly string[]
  /** Allows requests without an Origin header, which browsers always send. */
  readonly mayBeMissing: boolean
}

/** Returns the reason why these headers are refused, or `undefined`. */
export type CheckOrigin = (origin: string | undefined, host: string | undefined) => string | undefined

export function createOriginCheck({ host, origins, mayBeMissing }: OriginOptions): CheckOrigin {
  const allowed = new Set(origins)
  const named = new Set(origins.filter(isWebOrigin).map(hostnameOf))

  function isSameHost(page: string, target: string | undefined): boolean {
    const relay = hostnameOf(`http://${target ?? ''}`)
    if (relay === undefined || page !== relay) return false
    // A foreign DNS name that resolves to 127.0.0.1 must not count as this machine.
    if (isLoopback(host)) return isLoopback(relay)
    // The same holds for other machines when --origin names the hosts. A name without a dot is not in public DNS.
    return origins.length === 0 || named.has(relay) || isIPv4(relay) || !relay.includes('.')
  }

  return (origin, target) => {
    if (origin === undefined) return mayBeMissing ? undefined : NO_ORIGIN
    if (allowed.has(origin) || allowed.has(starOf(origin))) return undefined
    const page = isWebOrigin(origin) ? hostnameOf(origin) : undefined
    if (page !== undefined && (isLoopback(page) || isSameHost(page, target))) return undefined
    return `This origin is not allowed. If it is yours, start the relay with --origin ${printable(origin)}`
  }
}

/** Returns the entry that allows an origin by a star for its first label. */
function starOf(origin: string): string {
  return isWebOrigin(origin) ? origin.replace(/(?<=^https?:\/\/)[^.:]+(?=\.)/, '*') : origin
}

function isWebOrigin(origin: string): boolean {
  return /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
