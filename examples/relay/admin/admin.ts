import { randomBytes } from 'node:crypto'
import type { BodyReader } from '../http/body.js'
import type { AddressOf } from '../limits/addresses.js'
import type { Counters } from '../metrics/counters.js'
import type { RelayState } from '../metrics/relay-state.js'
import { createInstanceChannel } from '../rooms/instance-channel.js'
import { createLogins } from './login.js'
import { readLogin, type Login } from './ended-logins.js'
import { REVOCATIONS_ROOM, REVOCATIONS_MS } from '../log/retention.js'
import { createInstances, REPORT_INTERVAL } from './instances.js'
import type { RetryingLog } from '../log/retry.js'
import { createMetrics } from '../metrics/prometheus.js'
import { createAdminRoutes, type AdminRoutes } from './routes.js'
import { createOverview } from './overview.js'
import type { Rooms } from '../rooms/rooms.js'
import { createRates } from './rates.js'

export interface AdminOptions {
  /** The secret of the operators; empty means that there are none. */
  readonly key: string
  /** The folder of the dashboard's page. */
  readonly folder: string
  readonly addressOf: AddressOf
  readonly bodies: BodyReader
  /** Whether other instances may share the log. */
  readonly isShared: boolean
  readonly log: RetryingLog
  readonly counters: Counters
  readonly rooms: Pick<Rooms, 'largest'>
  readonly relayState: () => RelayState
}

/** Watches the relay for its operators. Without a key nothing is measured, because nobody can see it. */
export interface Admin {
  readonly routes: AdminRoutes
  /** Resolves when it is known which logins were ended on other instances. */
  open(): Promise<void>
  start(): void
  stop(): void
}

export function createAdmin(options: AdminOptions): Admin {
  const { key, folder, addressOf, bodies, isShared, log, counters, rooms, relayState } = options
  const rates = createRates(counters.counts)
  const instances = createInstances()
  const metrics = createMetrics(counters, relayState)
  const overview = createOverview({ counters, relayState, instances, rooms, rates })
  const channel = createInstanceChannel({ room: '$instances', log, onMessage: instances.receive, age: REPORT_INTERVAL })
  // Where nothing outlives the process, logins must not outlive the memory of those that were ended.
  const salt = isShared ? '' : randomBytes(16).toString('base64url')
  const logins = key === '' ? undefined : createLogins({ key, salt })
  const logoutChannel = createInstanceChannel({
    room: REVOCATIONS_ROOM,
    log,
    onMessage: receiveLogout,
    age: REVOCATIONS_MS,
  })
  let reportTimer: NodeJS.Timeout | undefined

  function report(): void {
    if (log.health === 'away') return
    // The next time it may work: the others know what silence means.
    channel.publish({ ...overview.instance() }).catch(() => {})
  }

  function receiveLogout(message: unknown): void {
    const login = readLogin(message)
    if (login) logins?.end(login)
  }

  async function endLogin(login: Login): Promise<void> {
    // Here at once, whatever the log says.
    logins?.end(login)
    if (isShared) await logoutChannel.publish({ login: login.id, expires: login.expires })
  }

  return {
    routes: createAdminRoutes({ logins, addressOf, bodies, metrics, overview, folder, onLogout: endLogin }),
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
