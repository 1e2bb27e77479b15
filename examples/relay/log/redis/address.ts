const FORM =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<login>[^@]*)@)?(?<hosts>[^/?#@]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/
const WANTED = 'must be like redis://127.0.0.1:6379, redis+sentinel://host,host/name or redis+cluster://host,host'

/** Where Redis is, and how to get in. */
export interface RedisAddress {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** The server itself, the Sentinels, or some nodes of the cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  /** The name under which Sentinels know the primary. */
  readonly primary?: string
  readonly db: number
  readonly username?: string
  readonly password?: string
  readonly sentinelPassword?: string
  readonly isEncrypted: boolean
}

/**
 * Reads the address of a Redis:
 *
 * - `redis://[[user]:password@]host[:6379][/db]`
 * - `redis+sentinel://[[user]:password@]host[:26379][,host…]/name[/db][?sentinelPassword=…]`
 * - `redis+cluster://[[user]:password@]host[:6379][,host…]`
 *
 * With `rediss` instead of `redis`, lines are encrypted. Throws an error whose text ends the sentence "--redis …" and
 * repeats nothing, because addresses hold passwords.
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

/** The hosts of an address, for people: without what is secret. */
export function describeRedis({ mode, nodes, primary }: RedisAddress): string {
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
  if (mode === 'standalone') return hosts
  return mode === 'cluster' ? `the cluster at ${hosts}` : `${primary} of the Sentinels at ${hosts}`
}
const HOST = /^(?:\[(?<literal>[0-9a-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/i

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
