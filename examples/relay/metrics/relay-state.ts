import type { LogHealth } from '../log/log.js'

/** How the relay is at present. */
export interface RelayState {
  readonly isDraining: boolean
  readonly connections: number
  readonly rooms: number
  readonly log: LogHealth
}
