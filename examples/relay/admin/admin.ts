import { randomBytes } from 'node:crypto'
import type { Bodies } from '../http/body.js'
import type { AddressOf } from '../limits/addresses.js'
import type { Activity } from '../metrics/counters.js'
import type { Condition } from '../metrics/relay-state.js'
import { createControl } from '../rooms/instance-channel.js'
import { createDoor } from './login.js'
import { readLogin, type Login } from './ended-logins.js'
import { REVOCATIONS_ROOM, REVOCATIONS_MS } from '../log/retention.js'
import { createInstances, TELLING_INTERVAL } from './instances.js'
import type { RetryingLog } from '../log/retry.js'
import { createMetrics } from '../metrics/prometheus.js'
import { createOperators, type Operators } from './routes.js'
import { createOverview } from './overview.js'
import type { Rooms } from '../rooms/rooms.js'
import { createSamples } from './rates.js'

export interface OperationOptions {
  /** The secret of the operators; empty means that there are none. */
  readonly key: string
  /** The folder of the dashboard's page. */
  readonly folder: string
  readonly addressOf: AddressOf
  readonly bodies: Bodies
  /** Whether other instances may share the log. */
  readonly isShared: boolean
  readonly log: RetryingLog
  readonly activity: Activity
  readonly rooms: Pick<Rooms, 'largest'>
  readonly condition: () => Condition
}

/** Watches the relay for its operators. Without a key nothing is measured, because nobody can see it. */
export interface Operation {
  readonly operators: Operators
  /** Resolves when it is known which logins were ended on other instances. */
  open(): Promise<void>
  start(): void
  stop(): void
}

export function createOperation(options: OperationOptions): Operation {
  const { key, folder, addressOf, bodies, isShared, log, activity, rooms, condition } = options
  const samples = createSamples(activity.counts)
  const instances = createInstances()
  const metrics = createMetrics(activity, condition)
  const overview = createOverview({ activity, condition, instances, rooms, samples })
  const control = createControl({ room: '$instances', log, onMessage: instances.hear, age: TELLING_INTERVAL })
  // Where nothing outlives the process, logins must not outlive the memory of those that were ended.
  const salt = isShared ? '' : randomBytes(16).toString('base64url')
  const door = key === '' ? undefined : createDoor({ key, salt })
  const logouts = createControl({ room: REVOCATIONS_ROOM, log, onMessage: hearLogout, age: REVOCATIONS_MS })
  let telling: NodeJS.Timeout | undefined

  function tell(): void {
    if (log.health === 'away') return
    // The next time it may work: the others know what silence means.
    control.say({ ...overview.instance() }).catch(() => {})
  }

  function hearLogout(message: unknown): void {
    const login = readLogin(message)
    if (login) door?.end(login)
  }

  async function endLogin(login: Login): Promise<void> {
    // Here at once, whatever the log says.
    door?.end(login)
    if (isShared) await logouts.say({ login: login.id, expires: login.expires })
  }

  return {
    operators: createOperators({ door, addressOf, bodies, metrics, overview, folder, onLogout: endLogin }),
    open: () => (door && isShared ? logouts.start() : Promise.resolve()),
    start() {
      if (key === '') return
      samples.start()
      metrics.start()
      if (!isShared) return
      void control.start()
      telling = setInterval(tell, TELLING_INTERVAL)
      telling.unref()
    },
    stop() {
      clearInterval(telling)
      control.stop()
      logouts.stop()
      samples.stop()
      metrics.stop()
    },
  }
}
