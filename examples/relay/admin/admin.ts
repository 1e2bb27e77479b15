import { randomBytes } from 'node:crypto'
import type { BodyReader } from '../http/body.js'
import type { AddressOf } from '../limits/client-address.js'
import type { Counters } from '../metrics/counters.js'
import type { RelayState } from '../metrics/relay-state.js'
import { createInstanceChannel } from '../rooms/instance-channel.js'
import { createLogins } from './login.js'
import { readLogin, type Login } from './ended-logins.js'
import { REVOCATIONS_ROOM, REVOCATIONS_MS } from '../signal-log/retention.js'
import { createInstances, REPORT_INTERVAL } from './instances.js'
import type { RetryingLog } from '../signal-log/retry.js'
import { createMetrics } from '../metrics/prometheus.js'
import { createAdminRoutes, type AdminRoutes } from './routes.js'
import { createOverview } from './overview.js'
import type { Rooms } from '../rooms/rooms.js'
import type { Siblings } from '../siblings.js'
import { createRates } from './rates.js'

export interface AdminOptions {
  /** The secret of the operators. Empty disables the dashboard and the metrics. */
  readonly key: string
  /** The folder of the dashboard's page. */
  readonly folder: string
  readonly addressOf: AddressOf
  readonly bodies: BodyReader
  /** True when other instances may share the log. */
  readonly isShared: boolean
  readonly log: RetryingLog
  readonly counters: Counters
  readonly rooms: Pick<Rooms, 'largest'>
  readonly relayState: () => RelayState
  readonly siblings: Siblings
  /** The number of recent signals and refusals to show. */
  readonly remembered: number
}

/** The dashboard and the metrics for operators. Without a key nothing is measured. */
export interface Admin {
  readonly routes: AdminRoutes
  /** Replaces the secret of the operators. */
  setKey(key: string): void
  /** Resolves when the logouts of other instances are known. */
  open(): Promise<void>
  start(): void
  stop(): void
}

export function createAdmin(options: AdminOptions): Admin {
  const { key, folder, addressOf, bodies, isShared, log, counters, rooms, relayState, siblings, remembered } = options
  const rates = createRates(counters.counts)
  const instances = createInstances()
  const metrics = createMetrics({ counters, relayState, siblings })
  const overview = createOverview({
    counters,
    counts: metrics.counts,
    relayState,
    instances,
    rooms,
    rates,
    siblings,
    remembered,
  })
  const channel = createInstanceChannel({ room: '$instances', log, onMessage: instances.receive, age: REPORT_INTERVAL })
  // Without a shared log, ended logins are forgotten on restart. The salt ends all logins then.
  const salt = isShared ? '' : randomBytes(16).toString('base64url')
  const logins = key === '' ? undefined : createLogins({ key, salt, share: siblings.shareRate('dashboard-key') })
  const logoutChannel = createInstanceChannel({
    room: REVOCATIONS_ROOM,
    log,
    onMessage: receiveLogout,
    age: REVOCATIONS_MS,
  })
  let reportTimer: NodeJS.Timeout | undefined

  function report(): void {
    if (log.health === 'away') return
    // The next report may succeed; other instances drop an instance that stays silent.
    channel.publish({ ...overview.instance() }).catch(() => {})
  }

  function receiveLogout(message: unknown): void {
    const login = readLogin(message)
    if (login) logins?.end(login)
  }

  async function endLogin(login: Login): Promise<void> {
    // Apply locally first; the log may be unavailable.
    logins?.end(login)
    if (isShared) await logoutChannel.publish({ login: login.id, expires: login.expires })
  }

  return {
    routes: createAdminRoutes({ logins, addressOf, bodies, metrics, overview, folder, onLogout: endLogin }),
    setKey: (next) => logins?.setKey(next),
    open: () => (logins && isShared ? logoutChannel.start() : Promise.resolve()),
    start() {
      if (key === '') return
      rates.start()
      metrics.start()
      if (!isShared) return
      void channel.start()
      reportTimer = setInterval(report, REPORT_INTERVAL)
      reportTimer.unref()
    },
    stop() {
      clearInterval(reportTimer)
      channel.stop()
      logoutChannel.stop()
      rates.stop()
      metrics.stop()
    },
  }
}
