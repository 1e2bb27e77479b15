import type { LogHealth } from '../signal-log/log.js'

/** The current state of the relay. */
export interface RelayState {
  readonly isDraining: boolean
  readonly connections: number
  /** The sockets of the connections: tabs of a browser may share one. */
  readonly sockets: number
  readonly rooms: number
  readonly log: LogHealth
}
