import type { LogHealth } from '../signal-log/log.js'

/** The current state of the relay, or of all its workers. */
export interface RelayState {
  readonly isDraining: boolean
  /** Uptime (s). */
  readonly uptime: number
  readonly connections: number
  /** The sockets of the connections: tabs of a browser may share one. */
  readonly sockets: number
  readonly rooms: number
  readonly log: LogHealth
}

/** Sums the states of workers. A room counts once for each worker that has members of it. */
export function sumStates(states: readonly RelayState[]): RelayState {
  const sum = (read: (state: RelayState) => number): number => states.reduce((total, state) => total + read(state), 0)
  return {
    isDraining: states.every(({ isDraining }) => isDraining),
    uptime: Math.max(0, ...states.map(({ uptime }) => uptime)),
    connections: sum(({ connections }) => connections),
    sockets: sum(({ sockets }) => sockets),
    rooms: sum(({ rooms }) => rooms),
    log: states.every(({ log }) => log === 'ready') ? 'ready' : 'away',
  }
}
