import { randomBytes } from 'node:crypto'
import { DEFAULT_ROOM } from '../../../../src/protocol/names.js'
import { createDurability } from './durability.js'
import { createSubscriptions, type Position } from './subscriptions.js'
import { createRetention } from '../retention.js'
import {
  EpochChanged,
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
import { createRedisClient, readFields, runScript, serverOf } from './client.js'
import { createRedisHealth } from './health.js'
import { createRedisNames, readNotification, readPage } from './codec.js'
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
  const birthKey = address.mode === 'cluster' ? [] : [names.born]
  const confirm = createDurability(writeClient, durability)
  const readQueues = createReadQueues()
  const clients = [...new Set([writeClient, subscribeClient])]
  const rights = { writeClient, subscribeClient, names, durability }
  const health = createRedisHealth({ address, clients, readClient, writeClient, confirm, names, rights, ...reports })
  // A lost notification must be part of the read, so these reads never share an earlier one.
  const subscriptions = createSubscriptions({
    listen,
    unlisten,
    read: (...request) => readShared(request),
    readPositions,
    keepMs,
  })
  let finds = 0
  let ticker: NodeJS.Timeout | undefined

  subscribeClient.on('ready', () => void subscriptions.resubscribe().catch(health.fail))
  subscribeClient.on('message', (channel: string, text: string) => {
    const notification = readNotification(text)
    if (notification) subscriptions.onEntry(names.roomOf(channel), notification.epoch, notification.entry)
  })

  function run(script: Script, room: string, args: readonly (string | number)[], id?: string): Promise<unknown> {
    const { log, meta, idOf } = names.roomKeys(room)
    const keys = [log, meta, id === undefined ? meta : idOf(id), ...birthKey]
    const { history, historyMs } = retentionOf(room)
    const limits = [Math.min(history, MAX_HISTORY), Math.min(historyMs, FOREVER), keepMs]
    const all = [randomBytes(9).toString('base64url'), ...limits, ...args]
    return health.observe(runScript(id === undefined ? readClient : writeClient, script, keys, all))
  }

  async function listen(rooms: readonly string[]): Promise<void> {
    const channels = rooms.map(names.channelOf)
    if (subscribeClient.status !== 'ready') throw new Error('Redis is away')
    await health.observe(subscribeClient.subscribe(...channels))
  }

  function unlisten(room: string): void {
    if (subscribeClient.status === 'ready') subscribeClient.unsubscribe(names.channelOf(room)).catch(() => {})
  }

  async function readPositions(rooms: readonly string[]): Promise<(Position | undefined)[]> {
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
    const read = async (): Promise<LogPage> => readPage(await run(READ, room, [after, limit, PAGE_BYTES]))
    return readQueues(serverOf(readClient, room)).pages.run(`${room} ${after} ${limit}`, versionOf, read, reader)
  }

  async function findNow(room: string, age: number): Promise<FindResult> {
    const [after, lost] = (await run(FIND, room, [Math.ceil(age)])) as [string, '' | 'epoch' | 'trimmed']
    return { after: Number(after), ...(lost !== '' && { lost }) }
  }

  async function append({ room, id, prefix, digest, epochs }: NewEntry): Promise<AppendResult> {
    if (digest !== undefined) {
      // The claim outlives the id, so that no moment is without either.
      const claim = runScript(writeClient, CLAIM, [names.claimKey(id)], [digest, windowMs + CLAIM_MARGIN])
      if ((await health.observe(claim)) === 0) return 'conflict'
    }
    const { historyBytes } = retentionOf(room)
    const mostBytes = Number.isFinite(historyBytes) ? historyBytes : 0
    const before = epochs?.of(room) ?? ''
    const args = [id, prefix, names.channelOf(room), windowMs, mostBytes, before]
    const [answer, epoch] = (await confirm(() => run(APPEND, room, args, id))) as [-1 | 0 | 1, string]
    if (answer === -1) throw new EpochChanged('The log began a new epoch.')
    // An id that is known in another epoch does not move the sender to it.
    epochs?.record(room, before === '' ? epoch : before)
    return answer === 1 ? 'logged' : 'known'
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
      await health.open(() => run(READ, DEFAULT_ROOM, ['end', 1, PAGE_BYTES]))
      ticker = setInterval(tick, CHECK_INTERVAL)
      ticker.unref()
    },

    append: (entry) => health.observeAppend(entry.id, append(entry)),

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
