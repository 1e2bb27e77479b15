import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'
import { createNetworks, type TrustedProxies } from './networks.js'

type AddressedRequest = Pick<IncomingMessage, 'headers' | 'socket'>

/**
 * Returns the address that a limit applies to. Without trusted proxies, it returns `undefined` for loopback addresses,
 * which have no limit: they mean a test, or a proxy that would give all clients one address.
 */
export type AddressOf = (request: AddressedRequest) => string | undefined

/** Returns the key that wrong secrets are counted by. Loopback addresses count too. */
export function mistakeKey(request: IncomingMessage, addressOf: AddressOf): string {
  return addressOf(request) ?? 'this machine'
}

/** Reads addresses of clients from sockets, and from the X-Forwarded-For of trusted proxies. */
export interface ClientAddresses {
  readonly addressOf: AddressOf
  /** Returns advice if the setting does not fit the proxies, so that limits apply to a proxy or to none. */
  adviceFor(request: AddressedRequest): string | undefined
}

export function createClientAddresses(proxies: TrustedProxies): ClientAddresses {
  const hasProxies = proxies !== 0
  const visitorOf = typeof proxies === 'number' ? countFrom(proxies) : walkBack(createNetworks(proxies))
  const isPrivate = createNetworks(['loopback', 'linklocal', 'uniquelocal'])

  function addressOf({ headers, socket }: AddressedRequest): string | undefined {
    const own = parseAddress(socket.remoteAddress ?? '')
    if (own === undefined || (!hasProxies && isLoopback(own))) return undefined
    return networkOf((hasProxies ? visitorOf(own, entriesOf(headers)) : own) ?? own)
  }

  function adviceFor({ headers, socket }: AddressedRequest): string | undefined {
    const entries = entriesOf(headers)
    if (!hasProxies && entries.length === 0) return undefined
    const own = parseAddress(socket.remoteAddress ?? '') ?? ''
    if (!hasProxies) return isLoopback(own) ? UNTRUSTED : undefined
    const visitor = visitorOf(own, entries)
    if (visitor === undefined) return `X-Forwarded-For has ${entries.length} addresses. ${INCOMPLETE}`
    const isUnnamed = typeof proxies !== 'number' && visitor === own && entries.length > 0 && isPrivate(own)
    return isUnnamed ? `${own} sends X-Forwarded-For. ${UNNAMED}` : undefined
  }

  return { addressOf, adviceFor }
}

const UNTRUSTED =
  'A proxy on this machine sends X-Forwarded-For, and no visitor has limits per address. Start the relay with --trust-proxy.'
const INCOMPLETE =
  'That is fewer than --trust-proxy needs, so the limits apply to the proxy. Let each proxy append an address, or lower --trust-proxy.'
const UNNAMED = '--trust-proxy does not name that network, so the limits apply to the proxy. Add the network.'

/** Returns the visitor's address, or `undefined` if the header does not give one. */
type VisitorOf = (own: string, entries: readonly string[]) => string | undefined

/** Only the last entries come from trusted proxies; a client can forge the earlier ones. */
function countFrom(proxies: number): VisitorOf {
  return (_, entries) => parseAddress(entries.at(-proxies) ?? '')
}

/** The visitor is the last address that is none of a trusted proxy. */
function walkBack(isTrusted: (address: string) => boolean): VisitorOf {
  return (own, entries) => {
    if (!isTrusted(own)) return own
    let visitor: string | undefined
    for (const entry of entries.toReversed()) {
      visitor = parseAddress(entry)
      if (visitor === undefined || !isTrusted(visitor)) break
    }
    return visitor
  }
}

function entriesOf(headers: IncomingMessage['headers']): readonly string[] {
  return `${headers['x-forwarded-for'] ?? ''}`.split(',').filter((entry) => entry.trim() !== '')
}

/** Reports whether a host name or address is a loopback one. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Removes port, brackets and zone from an address. */
function parseAddress(text: string): string | undefined {
  // Nearly every address is of this kind already.
  if (isIPv4(text)) return text
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .replace(/%.*$/, '')
  const address = /^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare) ? bare.slice(0, bare.indexOf(':')) : bare
  return isIPv4(address) || isIPv6(address) ? address : undefined
}

/**
 * Returns the /64 network of an IPv6 address: one customer owns a whole /64 and could use a new address for each
 * connection.
 */
function networkOf(address: string): string {
  if (isIPv4(address)) return address
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail ? tail.split(':') : []
  const whole = tail === undefined ? groups : [...groups, ...Array(8 - groups.length - rest.length).fill('0'), ...rest]
  return `${whole.slice(0, 4).join(':')}::/64`
}
