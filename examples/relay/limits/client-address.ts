import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/**
 * Returns the address that a limit applies to, or `undefined` for loopback addresses, which have no limit. Loopback
 * means a test, or a proxy that --trust-proxy does not mention and that would give all clients one address.
 */
export type AddressOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string | undefined

/** Returns the key that wrong secrets are counted by. Loopback addresses count too. */
export function mistakeKey(request: IncomingMessage, addressOf: AddressOf): string {
  return addressOf(request) ?? 'this machine'
}

/** @param proxies The number of proxies in front of the relay. Each one appends an address to X-Forwarded-For. */
export function createAddressReader(proxies: number): AddressOf {
  return ({ headers, socket }) => {
    // Only the last entries come from trusted proxies; a client can forge the earlier ones.
    const forwarded = proxies > 0 ? `${headers['x-forwarded-for'] ?? ''}`.split(',').at(-proxies) : undefined
    const address = parseAddress(forwarded ?? '') ?? parseAddress(socket.remoteAddress ?? '')
    return address === undefined || isLoopback(address) ? undefined : networkOf(address)
  }
}

/** Reports whether a host name or address is a loopback one. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Removes port, brackets and zone from an address. */
function parseAddress(text: string): string | undefined {
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
