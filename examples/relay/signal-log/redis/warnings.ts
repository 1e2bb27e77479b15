import { describeRedis, type RedisAddress } from './redis-url.js'

const ADVICE: readonly (readonly [form: RegExp, advice: string])[] = [
  [/ECONNREFUSED/, 'Start Redis there, or correct --redis'],
  [/ENOTFOUND|EAI_AGAIN/, 'The host name is unknown: correct --redis'],
  // A server without TLS takes a TLS handshake for an incomplete request, and waits; so does the opposite case.
  [
    /ETIMEDOUT|EHOSTUNREACH|timed? ?out|no answer|Connection is closed/i,
    'No server answers there: correct --redis, open the firewall, or use OTHER',
  ],
  [/ECONNRESET|EPIPE|connection (to Redis )?was lost/, 'The server closes connections: correct --redis, or use OTHER'],
  [/^NOAUTH/, 'Redis requires a password: --redis redis://:password@host'],
  [/^WRONGPASS|invalid password/, 'Correct the user or the password in --redis'],
  [/^NOPERM|user executing the script can't|ACL failure/, 'Run ACL SETUSER for this user with MISSING'],
  [/READONLY/, 'The server is a replica: set --redis to the primary, or to its Sentinels'],
  [/^OOM/, 'Redis is out of memory: raise its maxmemory'],
  [/^MISCONF/, 'Redis cannot save to its disk: see the log of Redis'],
  [/cluster support disabled/, 'The server is not a cluster: use redis:// instead of redis+cluster://'],
  [/^MOVED|cluster mode/, 'The server belongs to a cluster: use redis+cluster:// instead of redis://'],
  [/WAITAOF/, '--durability disk needs Redis 7.2 with appendonly yes, or appendfsync always'],
  [/no replica/, '--durability replica needs a replica that is connected'],
  [/version/, 'Install a newer Redis'],
  [/[Ss]entinel/, 'No Sentinel there knows this primary: correct --redis'],
  [/tls|ssl|certificate/i, 'Use rediss:// for a server with TLS, and redis:// for one without'],
]

/**
 * Describes in one line the problem with Redis and its remedy.
 *
 * @param missing The rights that the user lacks.
 */
export function adviceOn(error: unknown, address: RedisAddress, missing: string): string {
  const reason = reasonOf(error)
  const [, advice = 'Check Redis, or correct --redis'] = ADVICE.find(([form]) => form.test(reason)) ?? []
  const other = address.isEncrypted ? 'redis:// for a server without TLS' : 'rediss:// for a server with TLS'
  const remedy = advice.replace('OTHER', other).replace('MISSING', missing || 'the rights in the README of the relay')
  return `Redis at ${describeRedis(address)} cannot be used (${reason}). ${remedy}.`
}

/** Returns the reason of an error without the full stop. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // An error of several addresses has no text; the one of a cluster is vaguer than the error of its last node.
  const [inner] = error instanceof AggregateError ? error.errors : [Reflect.get(error, 'lastNodeError')]
  if (inner instanceof Error) return reasonOf(inner)
  return error.message.replaceAll(/\s+/g, ' ').replace(/\.$/, '')
}
