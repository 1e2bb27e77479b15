/** `FAULTS=full` runs everything for as long as it takes, and writes the table of results; else all is short. */
export const IS_FULL_RUN = process.env.FAULTS === 'full'

/** The first value in a short run, the second in a full one. */
export function byLength<Value>(short: Value, full: Value): Value {
  return IS_FULL_RUN ? full : short
}

/** What stands between pages and relay: a proxy that blocks WebSockets, and may hold back 64 kB of each answer. */
export type Blocked = 'streams' | 'buffers'

/** `FAULTS_THROUGH=streams` or `buffers` runs everything through such a proxy. */
export const THROUGH = process.env.FAULTS_THROUGH as Blocked | undefined

/** The seed of all chance in a run; `FAULTS_SEED` repeats one. */
export const SEED = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000)
