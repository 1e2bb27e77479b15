import { describeRedis, type RedisAddress } from './address.js'

const ADVICE: readonly (readonly [form: RegExp, advice: string])[] = [
  [/ECONNREFUSED/, 'Start it there, or correct --redis'],
  [/ENOTFOUND|EAI_AGAIN/, 'The host is not known: correct --redis'],
  // A server without TLS takes a TLS handshake for an incomplete request, and waits; so does the opposite case.
  [
    /ETIMEDOUT|EHOSTUNREACH|timed? ?out|no answer|Connection is closed/i,
    'Nothing answers there: correct --redis, open the firewall, or use OTHER',
  ],
  [/ECONNRESET|EPIPE|line was lost/, 'It hangs up: correct --redis, or use OTHER'],
  [/^NOAUTH/, 'It wants a password: --redis redis://:password@host'],
  [/^WRONGPASS|invalid password/, 'Correct the user or the password in --redis'],
  [/^NOPERM/, 'Let this user run scripts, and write and subscribe to what begins with signalpost:'],
  [/READONLY/, 'It is a replica: give --redis the primary, or its Sentinels'],
  [/^OOM/, 'It is full: raise its maxmemory'],
  [/^MISCONF/, 'It cannot save to its disk: see its log'],
  [/cluster support disabled/, 'It is no cluster: use redis:// instead of redis+cluster://'],
  [/^MOVED|cluster mode/, 'It belongs to a cluster: use redis+cluster:// instead of redis://'],
  [/WAITAOF/, '--durability disk needs Redis 7.2 with appendonly yes, or appendfsync always'],
  [/no replica/, '--durability replica needs a replica that is connected'],
  [/version/, 'Install a newer one'],
  [/[Ss]entinel/, 'Correct --redis: no Sentinel there knows that primary'],
  [/tls|ssl|certificate/i, 'Use rediss:// where it speaks TLS, and redis:// where it does not'],
]

/** Describes in one line the problem with Redis and its remedy. */
export function adviceOn(error: unknown, address: RedisAddress): string {
  const reason = reasonOf(error)
  const [, advice = 'See to Redis, or correct --redis'] = ADVICE.find(([form]) => form.test(reason)) ?? []
  const other = address.isEncrypted ? 'redis:// if it speaks no TLS' : 'rediss:// if it speaks TLS'
  return `Redis at ${describeRedis(address)} cannot be used (${reason}). ${advice.replace('OTHER', other)}.`
}

/** Returns the reason of an error without the full stop. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // An error of several addresses has no text; the one of a cluster is vaguer than the error of its last node.
  const [inner] = error instanceof AggregateError ? error.errors : [Reflect.get(error, 'lastNodeError')]
  if (inner instanceof Error) return reasonOf(inner)
  return error.message.replaceAll(/\s+/g, ' ').replace(/\.$/, '')
}
