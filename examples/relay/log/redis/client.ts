import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './address.js'
import type { Script } from './scripts.js'

const CONNECT_TIMEOUT = 5000
/** A line on which something was asked and that says nothing for so long, in milliseconds, is dead. */
const COMMAND_TIMEOUT = 4000

export type RedisClient = Redis | Cluster

/**
 * Makes a client that connects when it is told to, comes back by itself, and never keeps a command for later: what could
 * not be done is reported at once, and whoever wants it done asks again.
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
    // A server that was demoted keeps its lines open.
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

/** Runs a script by its name, or by its text where the server does not know it. */
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

/** Reads some fields of each of many hashes; those that could not be read are errors. */
export async function readFields(
  client: RedisClient,
  keys: readonly string[],
  fields: readonly string[],
): Promise<((string | null)[] | Error)[]> {
  if (client instanceof Cluster) {
    // Keys of a cluster are on different nodes, and one of these may be away.
    const answers = await Promise.allSettled(keys.map((key) => client.hmget(key, ...fields)))
    return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : (answer.reason as Error)))
  }
  const answers = await client.pipeline(keys.map((key) => ['hmget', key, ...fields])).exec()
  // What HMGET answers.
  return (answers ?? []).map(([error, values]) => error ?? (values as (string | null)[]))
}

/** Tells the server that has the keys of a room from others; all are on one, unless it is a cluster. */
export function serverOf(client: RedisClient, room: string): string {
  return client instanceof Cluster ? (client.slots[slotOf(room)]?.[0] ?? '') : ''
}

/** The slot of what stands in the braces of a key: its CRC16 (XMODEM). */
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
