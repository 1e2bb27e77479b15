import { randomBytes } from 'node:crypto'
import { DEFAULT_ROOM } from '../../../../src/protocol/names.js'
import { createAppendQueue, type AppendReply, type EntryGroup } from './append-queue.js'
import { createDurability } from './durability.js'
import { createSubscriptions, type RoomHead } from './subscriptions.js'
import { createRetention } from '../retention.js'
import {
  LogUnusable,
  type AppendResult,
  type NewEntry,
  type Durability,
  type FindResult,
  type LogHealth,
  type SignalLog,
  type LogPage,
} from '../log.js'
import { readRedisAddress } from './redis-url.js'
import { createReadQueue, type ReadQueue } from './read-queue.js'
import { createRedisClient, readFields, runScript, serverOf, type RedisClient } from './client.js'
import { createRedisHealth } from './health.js'
import { createRedisNames, readAppendReply, readNotification, readPage } from './codec.js'
import { APPEND, CLAIM, FIND, READ, type Script } from './scripts.js'

const DAY = 86_400_000
/** Replaces infinity in Redis (ms). */
const FOREVER = 10 * 365 * DAY
const MAX_HISTORY = 1_000_000_000
const CLAIM_MARGIN = 60_000
const CHECK_INTERVAL = 1000
/** Size at which a page is full (bytes). */
const PAGE_BYTES = 262_144
/** Concurrent reads per server. */
const MAX_CONCURRENT_READS = 3
/** Silence of a room after which its position is checked (ms): a notification may be lost. */
const STALE_AFTER = 5000

export interface RedisLogOptions {
  /** The address of Redis, as `readRedisAddress` parses it. */
  readonly url: string
  /** The start of all keys and channels: sites with different ones share nothing. @default '' */
  readonly prefix?: string
  /** Entries kept per room. @default 1000 */
  readonly history?: number
  /** Maximum age of an entry (ms). @default 600_000 */
  readonly historyMs?: number
  /** Approximate size of the entries per room (bytes). @default 4_194_304 */
  readonly historyBytes?: number
  /** Time for which an id is remembered (ms). @default 900_000 */
  readonly window?: number
  /** The storage that confirms an append. @default 'memory' */
  readonly durability?: Durability
  /** Called when Redis becomes unavailable, with the reason, and when it is back. */
  readonly onHealth?: (health: LogHealth, reason: string) => void
  /** Called while Redis is unavailable, with each further reason. */
  readonly onReason?: (reason: string) => void
  /**
   * Called at most once a minute when a command failed although Redis accepts writes: one node of a cluster may be
   * unavailable.
   */
  readonly onTrouble?: (reason: string) => void
}

/**
 * Keeps the latest entries of every room in Redis, shared by all instances of the relay. A stream per room is the
 * source of truth. Notifications use pub/sub and may be lost: subscribers then read the stream.
 */
export function createRedisLog({
  url,
  prefix = '',
  history = 1000,
  historyMs = 600_000,
  historyBytes = 4_194_304,
  window = 900_000,
  durability = 'memory',
  ...reports
}: RedisLogOptions): SignalLog {
  const address = readRedisAddress(url)
  // Separate clients, because waiting for replicas or disks, and long pages, block the commands behind them.
  const readClient = createRedisClient(address)
  const writeClient = createRedisClient(address)
  const subscribeClient = address.mode === 'cluster' ? writeClient : createRedisClient(address)
  const retentionOf = createRetention({ history, historyMs, historyBytes })
  const keepMs = Math.max(DAY, Math.min(historyMs, FOREVER), Math.min(window, FOREVER))
  const windowMs = Math.min(window, FOREVER)
  const names = createRedisNames(prefix, address.db)
  const confirm = createDurability(writeClient, durability)
  const readQueues = createReadQueues()
  const appendQueue = createAppendQueue(appendGroups)
  const clients = [...new Set([writeClient, subscribeClient])]
  const rights = { writeClient, subscribeClient, names, durability }
  const health = createRedisHealth({ address, clients, readClient, writeClient, confirm, names, rights, ...reports })
  // A lost notification must be part of the read, so these reads never share an earlier one.
  const subscriptions = createSubscriptions({
    listen,
    unlisten,
    read: (...request) => readShared(request),
    readHeads,
    keepMs,
  })
  let finds = 0
  let ticker: NodeJS.Timeout | undefined

  subscribeClient.on('ready', () => void subscriptions.resubscribe().catch(health.fail))
  subscribeClient.on('message', (channel: string, text: string) => {
    const notification = readNotification(text)
    if (notification) subscriptions.onNotification(names.roomOf(channel), notification)
  })

  function run(client: RedisClient, script: Script, room: string, { ids = [], args }: ScriptInput): Promise<unknown> {
    const { log, meta, idOf } = names.roomKeys(room)
    const keys = [log, meta, address.mode === 'cluster' ? meta : names.born, ...ids.map(idOf)]
    const { history, historyMs } = retentionOf(room)
    const limits = [Math.min(history, MAX_HISTORY), Math.min(historyMs, FOREVER), keepMs]
    const all = [randomBytes(9).toString('base64url'), ...limits, ...args]
    return health.observe(runScript(client, script, keys, all))
  }

  async function listen(rooms: readonly string[]): Promise<void> {
    const channels = rooms.map(names.channelOf)
    if (subscribeClient.status !== 'ready') throw new Error('Redis is away')
    await health.observe(subscribeClient.subscribe(...channels))
  }

  function unlisten(room: string): void {
    if (subscribeClient.status === 'ready') subscribeClient.unsubscribe(names.channelOf(room)).catch(() => {})
  }

  async function readHeads(rooms: readonly string[]): Promise<(RoomHead | undefined)[]> {
    const keys = rooms.map((room) => names.roomKeys(room).meta)
    const answers = await health.observe(readFields(readClient, keys, ['epoch', 'head']))
    return answers.map((answer) => {
      if (answer instanceof Error) return undefined
      const [epoch, head] = answer
      return { epoch: epoch ?? '', head: Number(head) }
    })
  }

  function readShared(
    [room, after, limit, reader]: ReadArguments,
    versionOf = (): number | undefined => undefined,
  ): Promise<LogPage> {
    const read = async (): Promise<LogPage> =>
      readPage(await run(readClient, READ, room, { args: [after, limit, PAGE_BYTES] }))
    return readQueues(serverOf(readClient, room)).pages.run(`${room} ${after} ${limit}`, versionOf, read, reader)
  }

  async function findNow(room: string, age: number): Promise<FindResult> {
    const [after, lost] = (await run(readClient, FIND, room, { args: [Math.ceil(age)] })) as [
      string,
      '' | 'epoch' | 'trimmed',
    ]
    return { after: Number(after), ...(lost !== '' && { lost }) }
  }

  async function appendGroups(room: string, groups: readonly EntryGroup[]): Promise<AppendReply> {
    const { historyBytes } = retentionOf(room)
    const ids = groups.flatMap(({ entries }) => entries.map(({ id }) => id))
    const args = [names.channelOf(room), windowMs, Number.isFinite(historyBytes) ? historyBytes : 0]
    const all = groups.flatMap(({ epoch, entries }) => [epoch, entries.length, ...entries.map(({ prefix }) => prefix)])
    const input = { ids, args: [...args, ...all] }
    return readAppendReply(await confirm(() => run(writeClient, APPEND, room, input)))
  }

  async function append(entries: readonly NewEntry[]): Promise<readonly AppendResult[]> {
    if (entries.every(({ digest }) => digest === undefined)) return appendQueue.append(entries)
    const claims = await Promise.all(entries.map(claim))
    const claimed = entries.filter((_, index) => claims[index])
    const results = claimed.length === 0 ? [] : await appendQueue.append(claimed)
    const next = results.values()
    return claims.map((isClaimed) => (isClaimed ? (next.next().value ?? 'known') : 'conflict'))
  }

  /** Returns false when the id was claimed with another digest. */
  async function claim({ id, digest }: NewEntry): Promise<boolean> {
    if (digest === undefined) return true
    // The claim outlives the id, so that no moment is without either.
    const args = [digest, windowMs + CLAIM_MARGIN]
    return (await health.observe(runScript(writeClient, CLAIM, [names.claimKey(id)], args))) !== 0
  }

  function tick(): void {
    subscriptions.checkStale(STALE_AFTER)
    health.probe()
  }

  return {
    get health() {
      return health.current
    },

    async open() {
      if (address.mode === 'cluster' && durability !== 'memory') {
        throw new LogUnusable('--durability needs one primary, and a cluster has several. Use --durability memory.')
      }
      // The first read tests the scripts, and records when this data began.
      await health.open(() => run(readClient, READ, DEFAULT_ROOM, { args: ['end', 1, PAGE_BYTES] }))
      ticker = setInterval(tick, CHECK_INTERVAL)
      ticker.unref()
    },

    append: (entries) => health.observeAppend(entries, append(entries)),

    async read(...request) {
      const [room, , , reader] = request
      await subscriptions.whenSubscribed(room, reader)
      return readShared(request, () => subscriptions.versionOf(room))
    },

    async find(room, age, reader) {
      const askedAt = performance.now()
      await subscriptions.whenSubscribed(room, reader)
      finds += 1
      // The age grows while the read waits, so reads by age are never shared.
      const read = (): Promise<FindResult> => findNow(room, age + performance.now() - askedAt)
      return readQueues(serverOf(readClient, room)).finds.run(`${finds}`, () => undefined, read, reader)
    },

    subscribe: subscriptions.subscribe,

    async close() {
      clearInterval(ticker)
      health.close()
    },
  }
}

/** The ids whose keys a script uses, and its own arguments. */
interface ScriptInput {
  readonly ids?: readonly string[]
  readonly args: readonly (string | number)[]
}

interface ReadQueues {
  readonly pages: ReadQueue<LogPage>
  readonly finds: ReadQueue<FindResult>
}

/** One queue per server: a server that is unavailable does not delay reads of the others. */
function createReadQueues(): (server: string) => ReadQueues {
  const queues = new Map<string, ReadQueues>()
  return (server) => {
    const found = queues.get(server)
    if (found) return found
    const made = {
      pages: createReadQueue<LogPage>(MAX_CONCURRENT_READS),
      finds: createReadQueue<FindResult>(MAX_CONCURRENT_READS),
    }
    queues.set(server, made)
    return made
  }
}

type ReadArguments = Parameters<SignalLog['read']>
