import { isDoneWithin } from '../../timeout.js'
import type { Confirm } from './durability.js'
import { LogUnusable, type LogHealth } from '../log.js'
import type { RedisAddress } from './redis-url.js'
import { adviceOn, reasonOf } from './warnings.js'
import type { RedisClient } from './client.js'

const PROBE = 'signalpost:probe'
const PROBE_LIFETIME = 60_000
const PROBE_EVERY = 5000
const REPORT_EVERY = 60_000
const OPEN_TIMEOUT = 5000

export interface RedisHealthOptions {
  readonly address: RedisAddress
  readonly clients: readonly RedisClient[]
  /** The client that reads. Its failures delay reads only. */
  readonly readClient: RedisClient
  /** The client that writes. */
  readonly writeClient: RedisClient
  /** Confirms a write as the log does for entries. */
  readonly confirm: Confirm
  readonly onHealth?: ((health: LogHealth, reason: string) => void) | undefined
  readonly onTrouble?: ((reason: string) => void) | undefined
}

export interface RedisHealth {
  readonly current: LogHealth
  /** Connects, and checks that a write and `check` succeed. */
  open(check: () => Promise<unknown>): Promise<void>
  /** Records a failure. */
  fail(error: unknown): void
  /** Observes the result of a command. A failure makes the next probe due. */
  observe<Result>(command: Promise<Result>): Promise<Result>
  /** Writes a test value when the state is `away`, after a failure, and at intervals. */
  probe(): void
  close(): void
}

/** Tracks whether Redis accepts writes, by the results of commands and by probes. */
export function createRedisHealth(options: RedisHealthOptions): RedisHealth {
  const { address, clients, readClient, writeClient, confirm, onHealth, onTrouble } = options
  const all = [readClient, ...clients]
  let state: 'closed' | LogHealth = 'closed'
  let lastError: unknown
  let isProbing = false
  let probedAt = Number.NEGATIVE_INFINITY
  let reportedAt = Number.NEGATIVE_INFINITY

  for (const client of clients) {
    client.on('error', fail)
    client.on('close', () => fail(lastError ?? new Error('the connection was lost')))
    client.on('ready', probe)
  }
  readClient.on('error', note)
  for (const client of all) {
    client.on('node error', note)
    client.on('sentinelError', note)
  }

  function note(error: unknown): void {
    if (lastError === undefined || !isVague(error)) lastError = error
  }

  function fail(error: unknown): void {
    note(error)
    if (state === 'ready') change('away', reasonOf(lastError))
  }

  function change(health: LogHealth, reason: string): void {
    state = health
    onHealth?.(health, reason)
  }

  /**
   * A full or demoted server answers a ping, so this tests a write too. The ping on each client detects a dead
   * connection that only listens.
   */
  async function tryWriting(): Promise<void> {
    if (clients.some(({ status }) => status !== 'ready')) throw lastError ?? new Error('not connected')
    await Promise.all(clients.map((client) => client.ping()))
    await confirm(() => writeClient.set(PROBE, '', 'PX', PROBE_LIFETIME))
  }

  function probe(): void {
    const now = performance.now()
    if (state === 'closed' || isProbing || (state === 'ready' && now - probedAt < PROBE_EVERY)) return
    // ioredis may stop reconnecting after a failover during connect: restart it.
    for (const client of all) if (client.status === 'end') client.connect().catch(note)
    isProbing = true
    probedAt = now
    const succeed = (): void => {
      if (state === 'away') change('ready', '')
      else if (lastError !== undefined && now - reportedAt > REPORT_EVERY) {
        reportedAt = now
        onTrouble?.(reasonOf(lastError))
      }
      lastError = undefined
    }
    void tryWriting()
      .then(succeed, fail)
      .finally(() => {
        isProbing = false
      })
  }

  async function connectAndTry(check: () => Promise<unknown>): Promise<void> {
    await Promise.all(all.map((client) => client.connect()))
    const version = /redis_version:(\d+)\.(\d+)/.exec(await writeClient.info('server'))
    const [major = 0, minor = 0] = version?.slice(1).map(Number) ?? []
    if (major * 100 + minor < 602) throw new Error(`version ${major}.${minor} is too old, 6.2 is required`)
    await tryWriting()
    await check()
  }

  function close(): void {
    state = 'closed'
    for (const client of all) client.disconnect()
  }

  return {
    get current() {
      return state === 'ready' ? 'ready' : 'away'
    },

    async open(check) {
      try {
        const isDone = await isDoneWithin(OPEN_TIMEOUT, connectAndTry(check))
        if (!isDone) throw new Error(`no answer within ${OPEN_TIMEOUT / 1000} s`)
        state = 'ready'
      } catch (error) {
        close()
        throw new LogUnusable(adviceOn(isVague(error) ? (lastError ?? error) : error, address))
      }
    },

    fail,

    async observe(command) {
      try {
        return await command
      } catch (error) {
        note(error)
        // Make the next probe due: only one node of a cluster may be unavailable.
        probedAt = Number.NEGATIVE_INFINITY
        throw error
      }
    },

    probe,
    close,
  }
}

/** Recognizes errors that only report the end of an attempt; the client has reported the cause before. */
function isVague(error: unknown): boolean {
  return /^(Connection is closed|None of startup nodes|All sentinels are|no answer within)/.test(reasonOf(error))
}
