import { Cluster, Redis, ReplyError, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './redis-url.js'
import type { Script } from './scripts.js'

const CONNECT_TIMEOUT = 5000
/** Time after which an unanswered command means a dead connection (ms). */
const COMMAND_TIMEOUT = 4000

export type RedisClient = Redis | Cluster

/**
 * Creates a client that connects on request and reconnects automatically. It never queues a command: a command that
 * cannot run fails at once, and the caller retries.
 */
export function createRedisClient(address: RedisAddress): RedisClient {
  const { mode, nodes, primary = '', db, username, password, sentinelPassword, isEncrypted } = address
  const connection: Omit<RedisOptions, 'replyMapping'> = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isEncrypted && { tls: {} }),
    connectionName: 'signalpost',
    disableClientInfo: true,
    protocol: 2,
    connectTimeout: CONNECT_TIMEOUT,
    socketTimeout: COMMAND_TIMEOUT,
    commandTimeout: COMMAND_TIMEOUT,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: mode === 'cluster',
    // A demoted server keeps its connections open.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  }
  const own = { enableOfflineQueue: false, lazyConnect: true }
  switch (mode) {
    case 'standalone':
      return new Redis({ ...connection, ...own, ...nodes[0], db, retryStrategy: retryDelay })
    case 'sentinel': {
      const sentinels = {
        sentinels: [...nodes],
        name: primary,
        sentinelRetryStrategy: retryDelay,
        failoverDetector: true,
        enableTLSForSentinelMode: isEncrypted,
        ...(isEncrypted && { sentinelTLS: {} }),
        ...(sentinelPassword !== undefined && { sentinelPassword }),
      }
      return new Redis({ ...connection, ...own, ...sentinels, db, retryStrategy: retryDelay })
    }
    case 'cluster':
      return new Cluster([...nodes], {
        ...own,
        clusterRetryStrategy: retryDelay,
        clusterNodeRetryStrategy: retryDelay,
        redisOptions: connection,
      })
  }
}

/** Runs a script by its hash, or by its text when the server does not have it. */
export async function runScript(
  client: RedisClient,
  { sha, text }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return client.eval(text, keys.length, ...keys, ...args)
  }
}

/** Returns whether Redis has answered with this error, in contrast to a lost connection or a timeout. */
export function isReplyError(error: unknown): boolean {
  return error instanceof ReplyError
}

/** Reads fields of many hashes. A hash that cannot be read gives an error. */
export async function readFields(
  client: RedisClient,
  keys: readonly string[],
  fields: readonly string[],
): Promise<((string | null)[] | Error)[]> {
  if (client instanceof Cluster) {
    // The keys of a cluster are on different nodes, and one node may be unavailable.
    const answers = await Promise.allSettled(keys.map((key) => client.hmget(key, ...fields)))
    return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : (answer.reason as Error)))
  }
  const answers = await client.pipeline(keys.map((key) => ['hmget', key, ...fields])).exec()
  // HMGET returns these values.
  return (answers ?? []).map(([error, values]) => error ?? (values as (string | null)[]))
}

/** Returns the server that stores the keys of a room. Without a cluster it is the same for all rooms. */
export function serverOf(client: RedisClient, room: string): string {
  return client instanceof Cluster ? (client.slots[slotOf(room)]?.[0] ?? '') : ''
}

/** Returns the slot of a hash tag: its CRC16 (XMODEM). */
function slotOf(tag: string): number {
  let sum = 0
  for (const byte of Buffer.from(tag)) {
    sum ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) sum = ((sum << 1) ^ (sum & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return sum % 16_384
}

function retryDelay(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), 1000) * (0.5 + Math.random() / 2)
}
