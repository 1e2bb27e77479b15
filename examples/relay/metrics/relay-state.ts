import type { LogHealth } from '../signal-log/log.js'

/** The current state of the relay. */
export interface RelayState {
  readonly isDraining: boolean
  readonly connections: number
  readonly rooms: number
  readonly log: LogHealth
}
