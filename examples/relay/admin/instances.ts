import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { RelayState } from '../metrics/relay-state.js'

/** Interval between the reports of an instance (ms). */
export const REPORT_INTERVAL = 2000

/** Silence after which an instance counts as gone (ms). */
const GONE_AFTER = 3.5 * REPORT_INTERVAL

/** The state that an instance reports to the others. */
export interface InstanceState extends RelayState {
  readonly id: string
  readonly name: string
  /** Recent signals per second: logged, and sent to connections. */
  readonly rate: { readonly in: number; readonly out: number }
  /** Resident memory (bytes). */
  readonly memory: number
}

export interface Instances {
  /** Identifies this instance. */
  readonly id: string
  readonly name: string
  /** Handles the report of an instance. */
  receive(message: unknown): void
  /** Returns the other instances with a recent report, by name. */
  others(): readonly InstanceState[]
}

export function createInstances(clock = () => Date.now()): Instances {
  const id = randomBytes(6).toString('base64url')
  const received = new Map<string, { readonly state: InstanceState; readonly at: number }>()
  return {
    id,
    name: `${hostname()} ${process.pid}`,
    receive(message) {
      // Only relays can write to the log, so the report is trusted.
      const state = message as InstanceState
      if (state.id !== id) received.set(state.id, { state, at: clock() })
    },
    others() {
      for (const [other, { at }] of received) if (clock() - at > GONE_AFTER) received.delete(other)
      return [...received.values()].map(({ state }) => state).toSorted((a, b) => a.name.localeCompare(b.name))
    },
  }
}
