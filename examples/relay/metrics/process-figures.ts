import { readDescriptors } from '../limits/descriptors.js'
import { readMemory } from './memory.js'

/** The figures of one process. */
export interface ProcessFigures {
  /** Open file descriptors, where the system tells. */
  readonly openDescriptors?: number
  /** Maximum number of open file descriptors, where the system tells. */
  readonly maxDescriptors?: number
  /** Resident memory (bytes). */
  readonly memory: number
  /** When the process started (epoch s). */
  readonly startedAt: number
  /** CPU time (s). */
  readonly cpu: number
}

// Computed once: Prometheus counts each change of this value as a restart.
const startedAt = Date.now() / 1000 - process.uptime()
const maxDescriptors = readDescriptors()?.max

export function readProcessFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage()
  return {
    // Reading them needs one: they cannot be read if all are open.
    ...(maxDescriptors !== undefined && {
      openDescriptors: readDescriptors()?.open ?? maxDescriptors,
      maxDescriptors,
    }),
    memory: readMemory(),
    startedAt,
    cpu: (user + system) / 1e6,
  }
}
