const FORM =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<login>[^@]*)@)?(?<hosts>[^/?#@]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/
const HOST = /^(?:\[(?<literal>[0-9a-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/i
const WANTED = 'must be like redis://127.0.0.1:6379, redis+sentinel://host,host/name or redis+cluster://host,host'

/** The address of Redis, with its credentials. */
export interface RedisAddress {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** The server, the Sentinels, or some nodes of the cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  /** The name of the primary that the Sentinels watch. */
  readonly primary?: string
  readonly db: number
  readonly username?: string
  readonly password?: string
  readonly sentinelPassword?: string
  readonly isEncrypted: boolean
}

/**
 * Parses the address of a Redis:
 *
 * - `redis://[[user]:password@]host[:6379][/db]`
 * - `redis+sentinel://[[user]:password@]host[:26379][,host…]/name[/db][?sentinelPassword=…]`
 * - `redis+cluster://[[user]:password@]host[:6379][,host…]`
 *
 * The scheme `rediss` instead of `redis` encrypts connections. The text of an error continues "--redis …", and never
 * repeats the address, because it may contain passwords.
 */
export function readRedisAddress(text: string): RedisAddress {
  const { scheme = '', kind, login, hosts = '', path = '', query = '' } = FORM.exec(text)?.groups ?? {}
  const mode = kind === 'sentinel' || kind === 'cluster' ? kind : 'standalone'
  const nodes = hosts.split(',').map((host) => readNode(host, mode === 'sentinel' ? 26_379 : 6379))
  const parts = path.split('/').filter((part) => part !== '')
  const primary = mode === 'sentinel' ? parts.shift() : undefined
  const db = Number(parts.shift() ?? 0)
  if (!scheme || (mode === 'standalone' && nodes.length > 1)) throw new Error(WANTED)
  if (mode === 'sentinel' && primary === undefined) {
    throw new Error('must name the primary after the Sentinels, such as redis+sentinel://host:26379/mymaster')
  }
  if (!Number.isInteger(db) || db < 0 || parts.length > 0) throw new Error('must end with the number of a database')
  if (mode === 'cluster' && db !== 0) throw new Error('must not name a database: a cluster has only one')
  const sentinelPassword = new URLSearchParams(query).get('sentinelPassword')
  return {
    mode,
    nodes,
    db,
    isEncrypted: scheme === 'rediss',
    ...(primary !== undefined && { primary: decode(primary) }),
    ...(login !== undefined && readLogin(login)),
    ...(sentinelPassword !== null && { sentinelPassword }),
  }
}

/** Returns the hosts of an address for texts, without secrets. */
export function describeRedis({ mode, nodes, primary }: RedisAddress): string {
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
  if (mode === 'standalone') return hosts
  return mode === 'cluster' ? `the cluster at ${hosts}` : `${primary} of the Sentinels at ${hosts}`
}

function readNode(text: string, usual: number): { host: string; port: number } {
  const { literal, name, port } = HOST.exec(text.trim())?.groups ?? {}
  const host = literal ?? name
  const number = port === undefined ? usual : Number(port)
  if (host === undefined || number < 1 || number > 65_535) throw new Error(WANTED)
  return { host, port: number }
}

function readLogin(login: string): { username?: string; password?: string } {
  const colon = login.indexOf(':')
  if (colon < 0) throw new Error('must have a colon before the password, such as redis://:password@host')
  const username = decode(login.slice(0, colon))
  return { ...(username !== '' && { username }), password: decode(login.slice(colon + 1)) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a % that must be written %25')
  }
}
