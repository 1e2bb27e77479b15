import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { RelayState } from '../metrics/relay-state.js'

/** How often an instance tells how it is, in milliseconds. */
export const REPORT_INTERVAL = 2000

/** An instance that was silent for so long is gone, in milliseconds. */
const GONE_AFTER = 3.5 * REPORT_INTERVAL

/** What an instance says of itself to the others. */
export interface InstanceState extends RelayState {
  readonly id: string
  readonly name: string
  /** In seconds. */
  readonly uptime: number
  /** Signals per second that were logged, and that were handed out, of late. */
  readonly rate: { readonly in: number; readonly out: number }
  /** Resident memory in bytes. */
  readonly memory: number
}

export interface Instances {
  /** Tells this one from others. */
  readonly id: string
  readonly name: string
  /** Hears what an instance said. */
  receive(message: unknown): void
  /** The others that were heard of late, by name. */
  others(): readonly InstanceState[]
}

export function createInstances(clock = () => Date.now()): Instances {
  const id = randomBytes(6).toString('base64url')
  const received = new Map<string, { readonly state: InstanceState; readonly at: number }>()
  return {
    id,
    name: `${hostname()} ${process.pid}`,
    receive(message) {
      // Whoever can write into the log's control room is a relay.
      const state = message as InstanceState
      if (state.id !== id) received.set(state.id, { state, at: clock() })
    },
    others() {
      for (const [other, { at }] of received) if (clock() - at > GONE_AFTER) received.delete(other)
      return [...received.values()].map(({ state }) => state).toSorted((a, b) => a.name.localeCompare(b.name))
    },
  }
}
