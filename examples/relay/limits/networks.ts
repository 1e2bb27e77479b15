import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** The proxies in front of the relay: their number, or their networks. */
export type TrustedProxies = number | readonly string[]

/** Networks by name: the first three as in the package proxy-addr. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  // https://www.cloudflare.com/ips, last changed on 2023-09-28.
  cloudflare: [
    '173.245.48.0/20',
    '103.21.244.0/22',
    '103.22.200.0/22',
    '103.31.4.0/22',
    '141.101.64.0/18',
    '108.162.192.0/18',
    '190.93.240.0/20',
    '188.114.96.0/20',
    '197.234.240.0/22',
    '198.41.128.0/17',
    '162.158.0.0/15',
    '104.16.0.0/13',
    '104.24.0.0/14',
    '172.64.0.0/13',
    '131.0.72.0/22',
    '2400:cb00::/32',
    '2606:4700::/32',
    '2803:f800::/32',
    '2405:b500::/32',
    '2405:8100::/32',
    '2a06:98c0::/29',
    '2c0f:f248::/32',
  ],
}

/** Reports whether a text names a network: a known name, an address, or an address with the length of its prefix. */
export function isNetwork(text: string): boolean {
  if (Object.hasOwn(NAMED, text)) return true
  const { address, bits, prefix } = partsOf(text)
  return bits > 0 && address !== '' && Number.isInteger(prefix) && prefix > 0 && prefix <= bits
}

/** Returns a check whether an address belongs to one of the networks. */
export function createNetworks(names: readonly string[]): (address: string) => boolean {
  const networks = new BlockList()
  for (const text of names.flatMap((name) => NAMED[name] ?? [name])) {
    const { address, bits, prefix } = partsOf(text)
    networks.addSubnet(address, prefix, bits === 32 ? 'ipv4' : 'ipv6')
  }
  return (address) => networks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** `bits`: the length of such an address, or 0 for a text that is none. */
function partsOf(text: string): { readonly address: string; readonly bits: number; readonly prefix: number } {
  const [address = '', length, ...more] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  const isWhole = more.length === 0 && /^\d{1,3}$/.test(length ?? '0')
  return { address, bits, prefix: isWhole ? Number(length ?? bits) : Number.NaN }
}
