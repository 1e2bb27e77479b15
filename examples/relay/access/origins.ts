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
  const named = new Set(origins.map((origin) => webOriginOf(origin)?.hostname))

  function isSameHost(page: string, target: string | undefined): boolean {
    const relay = urlOf(`http://${target ?? ''}`)?.hostname
    if (relay === undefined || page !== relay) return false
    // A foreign DNS name that resolves to 127.0.0.1 must not count as this machine.
    if (isLoopback(host)) return isLoopback(relay)
    // The same holds for other machines when --origin names the hosts. A name without a dot is not in public DNS.
    return origins.length === 0 || named.has(relay) || isIPv4(relay) || !relay.includes('.')
  }

  function isAllowed(origin: string, target: string | undefined): boolean {
    if (allowed.has(origin)) return true
    const page = webOriginOf(origin)
    if (!page) return false
    return allowed.has(starOf(origin)) || isLoopback(page.hostname) || isSameHost(page.hostname, target)
  }

  // Nearly all pages of a site send the same headers.
  let latest: { readonly origin: string; readonly target: string | undefined } | undefined

  return (origin, target) => {
    if (origin === undefined) return mayBeMissing ? undefined : NO_ORIGIN
    if (latest?.origin === origin && latest.target === target) return undefined
    if (isAllowed(origin, target)) {
      latest = { origin, target }
      return undefined
    }
    return `This origin is not allowed. If it is yours, start the relay with --origin ${printable(origin)}`
  }
}

/** Returns the entry that allows an origin by a star for its first label. */
function starOf(origin: string): string {
  return origin.replace(/(?<=^https?:\/\/)[^.:]+(?=\.)/, '*')
}

function webOriginOf(origin: string): URL | undefined {
  const url = /^https?:\/\//.test(origin) ? urlOf(origin) : undefined
  return url?.origin === origin ? url : undefined
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
