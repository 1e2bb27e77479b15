import type { Change } from './messages.js'

/** The uses of limits, by worker. */
export interface Ledger<Worker> {
  add(worker: Worker, changes: readonly Change[]): void
  /** Returns the uses of all workers. */
  uses(): readonly Change[]
  /** Forgets a worker that has ended, and returns the changes that give its uses back. */
  remove(worker: Worker): readonly Change[]
}

export function createLedger<Worker>(): Ledger<Worker> {
  const limits = new Map<Worker, Map<string, Map<string, number>>>()

  function usesOf(worker: Worker): readonly Change[] {
    const own = [...(limits.get(worker) ?? [])]
    return own.flatMap(([limit, counts]) => [...counts].map(([key, count]) => [limit, key, count] as const))
  }

  return {
    add(worker, changes) {
      const own = limits.get(worker) ?? new Map<string, Map<string, number>>()
      limits.set(worker, own)
      for (const [limit, key, change] of changes) {
        const counts = own.get(limit) ?? new Map<string, number>()
        own.set(limit, counts)
        const count = (counts.get(key) ?? 0) + change
        if (count === 0) counts.delete(key)
        else counts.set(key, count)
      }
    },
    uses: () => [...limits.keys()].flatMap(usesOf),
    remove(worker) {
      const uses = usesOf(worker)
      limits.delete(worker)
      return uses.map(([limit, key, count]) => [limit, key, -count])
    },
  }
}
