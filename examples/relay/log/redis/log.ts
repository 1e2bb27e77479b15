import { randomBytes } from 'node:crypto'
import { DEFAULT_ROOM } from '../../../../src/protocol/names.js'
import { createDurability } from './durability.js'
import { createFollowing, type Place } from './subscriptions.js'
import { createKeeping } from '../retention.js'
import {
  EpochChanged,
  LogUnusable,
  type Appended,
  type Draft,
  type Durability,
  type Found,
  type LogHealth,
  type SignalLog,
  type Tail,
} from '../log.js'
import { readRedisAddress } from './address.js'
import { createReadings, type Readings } from './read-queue.js'
import { createRedisClient, readFields, runScript, serverOf } from './client.js'
import { createRedisHealth } from './health.js'
import { claimOf, keysOf, PREFIX, readBell, readTail } from './codec.js'
import { APPEND, CLAIM, FIND, READ, type Script } from './scripts.js'

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
  const reader = createRedisClient(address)
  const writer = createRedisClient(address)
  const listener = address.mode === 'cluster' ? writer : createRedisClient(address)
  const keeping = createKeeping({ history, historyMs, historyBytes })
  const keepMs = Math.max(DAY, Math.min(historyMs, FOREVER), Math.min(window, FOREVER))
  const windowMs = Math.min(window, FOREVER)
  const born = address.mode === 'cluster' ? [] : [`${PREFIX}born`]
  // Channels do not belong to a database, keys do.
  const bells = `${PREFIX}${address.db}:`
  const confirm = createDurability(writer, durability)
  /** By server: one that is away holds up nobody who reads from others. */
  const readings = new Map<string, { readonly tails: Readings<Tail>; readonly finds: Readings<Found> }>()
  const clients = [...new Set([writer, listener])]
  const health = createRedisHealth({ address, clients, reader, writer, confirm, onHealth, onTrouble })
  // What is missed must be in what is read: a reading that has begun already may be too old.
  const following = createFollowing({ subscribe, unsubscribe, read: (...asked) => ask(asked), look, keepMs })
  let finds = 0
  let ticker: NodeJS.Timeout | undefined

  listener.on('ready', () => void following.renew().catch(health.fail))
  listener.on('message', (channel: string, text: string) => {
    const news = readBell(text)
    if (news) following.hear(channel.slice(bells.length + 1, -1), news.epoch, news.entry)
  })

  function run(script: Script, room: string, args: readonly (string | number)[], id?: string): Promise<unknown> {
    const { log, meta, idOf } = keysOf(room)
    const keys = [log, meta, id === undefined ? meta : idOf(id), ...born]
    const { history, historyMs } = keeping(room)
    const limits = [Math.min(history, MANY), Math.min(historyMs, FOREVER), keepMs]
    const all = [randomBytes(9).toString('base64url'), ...limits, ...args]
    return health.watch(runScript(id === undefined ? reader : writer, script, keys, all))
  }

  async function subscribe(rooms: readonly string[]): Promise<void> {
    const channels = rooms.map((room) => `${bells}{${room}}`)
    if (listener.status !== 'ready') throw new Error('Redis is away')
    await health.watch(listener.subscribe(...channels))
  }

  function unsubscribe(room: string): void {
    if (listener.status === 'ready') listener.unsubscribe(`${bells}{${room}}`).catch(() => {})
  }

  async function look(rooms: readonly string[]): Promise<(Place | undefined)[]> {
    const keys = rooms.map((room) => keysOf(room).meta)
    const answers = await health.watch(readFields(reader, keys, ['epoch', 'head']))
    return answers.map((answer) => {
      if (answer instanceof Error) return undefined
      const [epoch, head] = answer
      return { epoch: epoch ?? '', head: Number(head) }
    })
  }

  function readingsOf(room: string) {
    const server = serverOf(reader, room)
    const found = readings.get(server)
    if (found) return found
    const made = { tails: createReadings<Tail>(READS_AT_ONCE), finds: createReadings<Found>(READS_AT_ONCE) }
    readings.set(server, made)
    return made
  }

  function ask([room, after, limit, whose]: Asked, mark = (): number | undefined => undefined): Promise<Tail> {
    const work = async (): Promise<Tail> => readTail(await run(READ, room, [after, limit, PAGE_BYTES]))
    return readingsOf(room).tails.ask(`${room} ${after} ${limit}`, mark, work, whose)
  }

  async function findNow(room: string, age: number): Promise<Found> {
    const [after, lost] = (await run(FIND, room, [Math.ceil(age)])) as [string, '' | 'epoch' | 'trimmed']
    return { after: Number(after), ...(lost !== '' && { lost }) }
  }

  async function append({ room, id, opening, digest, epochs }: Draft): Promise<Appended> {
    if (digest !== undefined) {
      // Claimed longer than it is remembered, so that there is no moment between the two.
      const claim = runScript(writer, CLAIM, [claimOf(id)], [digest, windowMs + CLAIM_MARGIN])
      if ((await health.watch(claim)) === 0) return 'conflict'
    }
    const { historyBytes } = keeping(room)
    const mostBytes = Number.isFinite(historyBytes) ? historyBytes : 0
    const before = epochs?.of(room) ?? ''
    const args = [id, opening, `${bells}{${room}}`, windowMs, mostBytes, before]
    const [answer, epoch] = (await confirm(() => run(APPEND, room, args, id))) as [-1 | 0 | 1, string]
    if (answer === -1) throw new EpochChanged('The log began anew.')
    // Known in another epoch, it says nothing of where the others of this sender are.
    epochs?.note(room, before === '' ? epoch : before)
    return answer === 1 ? 'logged' : 'known'
  }

  function tick(): void {
    following.lookAfter(SILENCE)
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
      ticker = setInterval(tick, TICK)
      ticker.unref()
    },

    append,

    async read(...asked) {
      const [room, , , whose] = asked
      await following.whenHeard(room, whose)
      return ask(asked, () => following.toldOf(room))
    },

    async find(room, age, whose) {
      const askedAt = performance.now()
      await following.whenHeard(room, whose)
      finds += 1
      // What is asked for grows older while it waits its turn, so nobody shares it.
      const work = (): Promise<Found> => findNow(room, age + performance.now() - askedAt)
      return readingsOf(room).finds.ask(`${finds}`, () => undefined, work, whose)
    },

    follow: following.follow,

    async close() {
      clearInterval(ticker)
      health.close()
    },
  }
}

type Asked = Parameters<SignalLog['read']>

const DAY = 86_400_000
/** What stands for "without end" in Redis. */
const FOREVER = 10 * 365 * DAY
const MANY = 1_000_000_000
const CLAIM_MARGIN = 60_000
const TICK = 1000
/** At how many bytes a page is full. */
const PAGE_BYTES = 262_144
/** Pages of a server that may be on their way, however many are asked for. */
const READS_AT_ONCE = 3
/** A room that was silent for so long, in milliseconds, is looked at: the doorbell may have been missed. */
const SILENCE = 5000
