import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/**
 * Whose request it is, for limits per address; `undefined` for this machine's own, which are not limited: they are
 * tests, or a proxy that nobody told the relay about and behind which everybody would look the same.
 */
export type AddressOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string | undefined

/** Whose request it is where this machine's own count too, because a mistake is one from anywhere. */
export function mistakeKey(request: IncomingMessage, addressOf: AddressOf): string {
  return addressOf(request) ?? 'this machine'
}

/** @param proxies How many proxies stand in front, each of which adds whom it heard to X-Forwarded-For. */
export function createAddressReader(proxies: number): AddressOf {
  return ({ headers, socket }) => {
    // Only the last entries are written by the own proxies; what stands before them anybody may have made up.
    const forwarded = proxies > 0 ? `${headers['x-forwarded-for'] ?? ''}`.split(',').at(-proxies) : undefined
    const address = parseAddress(forwarded ?? '') ?? parseAddress(socket.remoteAddress ?? '')
    return address === undefined || isLoopback(address) ? undefined : networkOf(address)
  }
}

/** Whether a host name or address means this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** An address without port, brackets or zone. */
function parseAddress(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .replace(/%.*$/, '')
  const address = /^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare) ? bare.slice(0, bare.indexOf(':')) : bare
  return isIPv4(address) || isIPv6(address) ? address : undefined
}

/** One customer has a whole /64 of IPv6 addresses, and could take a new one for every connection. */
function networkOf(address: string): string {
  if (isIPv4(address)) return address
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail ? tail.split(':') : []
  const whole = tail === undefined ? groups : [...groups, ...Array(8 - groups.length - rest.length).fill('0'), ...rest]
  return `${whole.slice(0, 4).join(':')}::/64`
}
