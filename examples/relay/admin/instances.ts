import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Condition } from '../metrics/relay-state.js'

/** What an instance says of itself to the others. */
export interface InstanceState extends Condition {
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
  hear(message: unknown): void
  /** The others that were heard of late, by name. */
  others(): readonly InstanceState[]
}

/** How often an instance tells how it is, in milliseconds. */
export const TELLING_INTERVAL = 2000

export function createInstances(clock = () => Date.now()): Instances {
  const id = randomBytes(6).toString('base64url')
  const heard = new Map<string, { readonly state: InstanceState; readonly at: number }>()
  return {
    id,
    name: `${hostname()} ${process.pid}`,
    hear(message) {
      // Whoever can write into the log's control room is a relay.
      const state = message as InstanceState
      if (state.id !== id) heard.set(state.id, { state, at: clock() })
    },
    others() {
      for (const [other, { at }] of heard) if (clock() - at > SILENCE) heard.delete(other)
      return [...heard.values()].map(({ state }) => state).toSorted((a, b) => a.name.localeCompare(b.name))
    },
  }
}

/** An instance that was silent for so long is gone, in milliseconds. */
const SILENCE = 3.5 * TELLING_INTERVAL
