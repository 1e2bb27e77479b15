import { isDoneWithin } from '../../timeout.js'
import type { Confirm } from './durability.js'
import { createFailedAppends } from './failed-appends.js'
import { failureReason } from '../failure-reason.js'
import { EpochChanged, LogUnusable, type LogHealth, type NewEntry } from '../log.js'
import type { RedisNames } from './codec.js'
import { missingRights, type RightsCheckOptions } from './rights.js'
import type { RedisAddress } from './redis-url.js'
import { adviceOn, reasonOf } from './warnings.js'
import type { RedisClient } from './client.js'

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
  readonly names: RedisNames
  readonly rights: RightsCheckOptions
  readonly onHealth?: ((health: LogHealth, reason: string) => void) | undefined
  /** Receives each further reason while the log is `away`. */
  readonly onReason?: ((reason: string) => void) | undefined
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
  /** Observes an append. A failure makes the log `away` until it succeeds, or for 10 s. */
  observeAppend<Result>(entries: readonly NewEntry[], append: Promise<Result>): Promise<Result>
  /** Writes a test value when the state is `away`, after a failure, and at intervals. */
  probe(): void
  close(): void
}

/** Tracks whether Redis accepts writes, by the results of commands and by probes. */
export function createRedisHealth(options: RedisHealthOptions): RedisHealth {
  const { address, clients, readClient, writeClient, confirm, names, rights, onHealth, onReason, onTrouble } = options
  const all = [readClient, ...clients]
  const failedAppends = createFailedAppends(address.mode === 'cluster')
  /** The reasons that were reported since the log is `away`. */
  const reported = new Set<string>()
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
    else if (state === 'away') report()
  }

  function change(health: LogHealth, reason: string): void {
    state = health
    reported.clear()
    onHealth?.(health, reason)
    if (health === 'ready') return
    const kind = failureReason(reason)
    // Redis names no right within a script: the next report does.
    if (kind === 'NOPERM') report()
    else reported.add(kind)
  }

  /** Reports each reason once: the first is often only the end of a connection. */
  function report(): void {
    const error = lastError
    const kind = failureReason(reasonOf(error))
    if (error === undefined || reported.has(kind)) return
    reported.add(kind)
    void explain(error)
  }

  async function explain(error: unknown): Promise<void> {
    const missing = await deniedRights(error, rights)
    if (state === 'away') onReason?.(missing === '' ? reasonOf(error) : `NOPERM the user lacks ${missing}`)
  }

  /**
   * A full or demoted server answers a ping, so this tests a write too. The ping on each client detects a dead
   * connection that only listens.
   */
  async function tryWriting(): Promise<void> {
    if (clients.some(({ status }) => status !== 'ready')) throw lastError ?? new Error('not connected')
    await Promise.all(clients.map((client) => client.ping()))
    await confirm(() => writeClient.set(names.probe, '', 'PX', PROBE_LIFETIME))
  }

  function probe(): void {
    const now = performance.now()
    if (state === 'closed' || isProbing || (state === 'ready' && now - probedAt < PROBE_EVERY)) return
    // ioredis may stop reconnecting after a failover during connect: restart it.
    for (const client of all) if (client.status === 'end') client.connect().catch(note)
    isProbing = true
    probedAt = now
    const succeed = (): void => {
      if (failedAppends.isHolding) return
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
    // Many rights are needed for the first signal only.
    const missing = await missingRights(rights)
    if (missing.length > 0) throw new Error('NOPERM the user lacks rights')
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
        const cause = isVague(error) ? (lastError ?? error) : error
        const missing = await deniedRights(cause, rights)
        close()
        throw new LogUnusable(adviceOn(cause, address, missing))
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

    async observeAppend(entries, append) {
      try {
        const result = await append
        for (const { id } of entries) failedAppends.succeed(id)
        return result
      } catch (error) {
        if (error instanceof EpochChanged) {
          for (const { id } of entries) failedAppends.succeed(id)
          throw error
        }
        for (const { id } of entries) failedAppends.fail(id)
        // One node of a cluster may be unavailable, and the others work.
        if (failedAppends.isHolding) fail(error)
        throw error
      }
    },

    probe,
    close,
  }
}

/** Returns the rights that the user lacks, if this is the error. */
async function deniedRights(error: unknown, rights: RightsCheckOptions): Promise<string> {
  const reason = reasonOf(error)
  if (failureReason(reason) !== 'NOPERM') return ''
  const missing = new Set(await missingRights(rights))
  const denied = /run the '([^']+)'/.exec(reason)?.[1]
  if (denied !== undefined) missing.add(`+${denied}`)
  return [...missing].join(' ')
}

/** Recognizes errors that only report the end of an attempt; the client has reported the cause before. */
function isVague(error: unknown): boolean {
  const form =
    /^(Connection is closed|None of startup nodes|All sentinels are|no answer within|Stream isn't writeable|not connected|Redis is away|the connection (to Redis )?was lost)/
  return form.test(reasonOf(error))
}
