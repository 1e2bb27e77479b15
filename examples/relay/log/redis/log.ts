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
import { readRedisAddress } from './address.js'
import { createReadQueue, type ReadQueue } from './read-queue.js'
import { createRedisClient, readFields, runScript, serverOf } from './client.js'
import { createRedisHealth } from './health.js'
import { claimKey, roomKeys, PREFIX, readNotification, readPage } from './codec.js'
import { APPEND, CLAIM, FIND, READ, type Script } from './scripts.js'

const DAY = 86_400_000
/** What stands for "without end" in Redis. */
const FOREVER = 10 * 365 * DAY
const MAX_HISTORY = 1_000_000_000
const CLAIM_MARGIN = 60_000
const CHECK_INTERVAL = 1000
/** At how many bytes a page is full. */
const PAGE_BYTES = 262_144
/** Pages of a server that may be on their way, however many are asked for. */
const MAX_CONCURRENT_READS = 3
/** A room that was silent for so long, in milliseconds, is looked at: the doorbell may have been missed. */
const STALE_AFTER = 5000

export interface RedisLogOptions {
  /** Where Redis is, in the forms of `readRedisAddress`. */
  readonly url: string
  /** Entries kept per room. @default 1000 */
  readonly history?: number
  /** How long an entry is kept, in milliseconds. @default 600_000 */
  readonly historyMs?: number
  /** Bytes of entries kept per room, roughly. @default 4_194_304 */
  readonly historyBytes?: number
  /** How long an id is remembered, in milliseconds. @default 900_000 */
  readonly window?: number
  /** What an append waits for. @default 'memory' */
  readonly durability?: Durability
  /** Hears when Redis is lost, and why, and when it is back. */
  readonly onHealth?: (health: LogHealth, reason: string) => void
  /** Hears, at most once a minute, why something failed though Redis takes writes: one node of a cluster may be away. */
  readonly onTrouble?: (reason: string) => void
}

/**
 * Keeps the tail of every room in Redis, where all instances of the relay share it. A stream per room is the truth. News of
 * an entry goes by publish and subscribe: a doorbell, which may be missed, because what lies between is read.
 */
export function createRedisLog({
  url,
  history = 1000,
  historyMs = 600_000,
  historyBytes = 4_194_304,
  window = 900_000,
  durability = 'memory',
  onHealth,
  onTrouble,
}: RedisLogOptions): SignalLog {
  const address = readRedisAddress(url)
  // What waits for replicas or disks holds up all that comes after on its line, and so do long pages that are on their way.
  const readClient = createRedisClient(address)
  const writeClient = createRedisClient(address)
  const subscribeClient = address.mode === 'cluster' ? writeClient : createRedisClient(address)
  const retentionOf = createRetention({ history, historyMs, historyBytes })
  const keepMs = Math.max(DAY, Math.min(historyMs, FOREVER), Math.min(window, FOREVER))
  const windowMs = Math.min(window, FOREVER)
  const birthKey = address.mode === 'cluster' ? [] : [`${PREFIX}born`]
  // Channels do not belong to a database, keys do.
  const channelPrefix = `${PREFIX}${address.db}:`
  const confirm = createDurability(writeClient, durability)
  /** By server: one that is away holds up nobody who reads from others. */
  const readQueues = new Map<string, { readonly tails: ReadQueue<LogPage>; readonly finds: ReadQueue<FindResult> }>()
  const clients = [...new Set([writeClient, subscribeClient])]
  const health = createRedisHealth({ address, clients, readClient, writeClient, confirm, onHealth, onTrouble })
  // What is missed must be in what is read: a reading that has begun already may be too old.
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
    if (notification)
      subscriptions.onEntry(channel.slice(channelPrefix.length + 1, -1), notification.epoch, notification.entry)
  })

  function run(script: Script, room: string, args: readonly (string | number)[], id?: string): Promise<unknown> {
    const { log, meta, idOf } = roomKeys(room)
    const keys = [log, meta, id === undefined ? meta : idOf(id), ...birthKey]
    const { history, historyMs } = retentionOf(room)
    const limits = [Math.min(history, MAX_HISTORY), Math.min(historyMs, FOREVER), keepMs]
    const all = [randomBytes(9).toString('base64url'), ...limits, ...args]
    return health.observe(runScript(id === undefined ? readClient : writeClient, script, keys, all))
  }

  async function listen(rooms: readonly string[]): Promise<void> {
    const channels = rooms.map((room) => `${channelPrefix}{${room}}`)
    if (subscribeClient.status !== 'ready') throw new Error('Redis is away')
    await health.observe(subscribeClient.subscribe(...channels))
  }

  function unlisten(room: string): void {
    if (subscribeClient.status === 'ready') subscribeClient.unsubscribe(`${channelPrefix}{${room}}`).catch(() => {})
  }

  async function readPositions(rooms: readonly string[]): Promise<(Position | undefined)[]> {
    const keys = rooms.map((room) => roomKeys(room).meta)
    const answers = await health.observe(readFields(readClient, keys, ['epoch', 'head']))
    return answers.map((answer) => {
      if (answer instanceof Error) return undefined
      const [epoch, head] = answer
      return { epoch: epoch ?? '', head: Number(head) }
    })
  }

  function readQueueOf(room: string) {
    const server = serverOf(readClient, room)
    const found = readQueues.get(server)
    if (found) return found
    const made = {
      tails: createReadQueue<LogPage>(MAX_CONCURRENT_READS),
      finds: createReadQueue<FindResult>(MAX_CONCURRENT_READS),
    }
    readQueues.set(server, made)
    return made
  }

  function readShared(
    [room, after, limit, reader]: ReadArguments,
    versionOf = (): number | undefined => undefined,
  ): Promise<LogPage> {
    const read = async (): Promise<LogPage> => readPage(await run(READ, room, [after, limit, PAGE_BYTES]))
    return readQueueOf(room).tails.run(`${room} ${after} ${limit}`, versionOf, read, reader)
  }

  async function findNow(room: string, age: number): Promise<FindResult> {
    const [after, lost] = (await run(FIND, room, [Math.ceil(age)])) as [string, '' | 'epoch' | 'trimmed']
    return { after: Number(after), ...(lost !== '' && { lost }) }
  }

  async function append({ room, id, prefix, digest, epochs }: NewEntry): Promise<AppendResult> {
    if (digest !== undefined) {
      // Claimed longer than it is remembered, so that there is no moment between the two.
      const claim = runScript(writeClient, CLAIM, [claimKey(id)], [digest, windowMs + CLAIM_MARGIN])
      if ((await health.observe(claim)) === 0) return 'conflict'
    }
    const { historyBytes } = retentionOf(room)
    const mostBytes = Number.isFinite(historyBytes) ? historyBytes : 0
    const before = epochs?.of(room) ?? ''
    const args = [id, prefix, `${channelPrefix}{${room}}`, windowMs, mostBytes, before]
    const [answer, epoch] = (await confirm(() => run(APPEND, room, args, id))) as [-1 | 0 | 1, string]
    if (answer === -1) throw new EpochChanged('The log began anew.')
    // Known in another epoch, it says nothing of where the others of this sender are.
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
      // A first reading shows that scripts run, and marks when this data began.
      await health.open(() => run(READ, DEFAULT_ROOM, ['end', 1, PAGE_BYTES]))
      ticker = setInterval(tick, CHECK_INTERVAL)
      ticker.unref()
    },

    append,

    async read(...request) {
      const [room, , , reader] = request
      await subscriptions.whenSubscribed(room, reader)
      return readShared(request, () => subscriptions.versionOf(room))
    },

    async find(room, age, reader) {
      const askedAt = performance.now()
      await subscriptions.whenSubscribed(room, reader)
      finds += 1
      // What is asked for grows older while it waits its turn, so nobody shares it.
      const read = (): Promise<FindResult> => findNow(room, age + performance.now() - askedAt)
      return readQueueOf(room).finds.run(`${finds}`, () => undefined, read, reader)
    },

    subscribe: subscriptions.subscribe,

    async close() {
      clearInterval(ticker)
      health.close()
    },
  }
}

type ReadArguments = Parameters<SignalLog['read']>
