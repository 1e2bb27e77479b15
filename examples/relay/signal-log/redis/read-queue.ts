import type { Reader } from '../log.js'

/** Runs equal reads once and few reads at a time. Readers take turns. */
export interface ReadQueue<Result> {
  /**
   * @param key Reads with equal keys are equal: a queued read serves all callers.
   * @param versionOf Version check: a read in progress is shared only while this value is unchanged. `undefined` never
   * shares.
   * @param reader The reader whose turn the read takes. A read of several readers takes the first turn of any of them.
   */
  run(key: string, versionOf: () => number | undefined, read: () => Promise<Result>, reader?: Reader): Promise<Result>
}

interface PendingRead<Result> {
  readonly versionOf: () => number | undefined
  readonly read: () => Promise<Result>
  readonly result: Promise<Result>
  readonly resolve: (outcome: Promise<Result>) => void
}

export function createReadQueue<Result>(concurrency: number): ReadQueue<Result> {
  const queued = new Map<string, PendingRead<Result>>()
  /** The queued keys of each reader, oldest first. The next reader comes first. */
  const readers = new Map<Reader | undefined, Set<string>>()
  const inFlight = new Map<string, { readonly version: number | undefined; readonly result: Promise<Result> }>()
  let running = 0

  function enqueue(reader: Reader | undefined, key: string): void {
    const keys = readers.get(reader) ?? new Set()
    readers.set(reader, keys.add(key))
  }

  function wait(
    key: string,
    versionOf: PendingRead<Result>['versionOf'],
    read: PendingRead<Result>['read'],
  ): Promise<Result> {
    let resolveResult: PendingRead<Result>['resolve'] = () => {}
    const result = new Promise<Result>((resolve) => (resolveResult = resolve))
    queued.set(key, { versionOf, read, result, resolve: resolveResult })
    startNext()
    return result
  }

  function startNext(): void {
    while (running < concurrency) {
      const key = nextKey()
      if (key === undefined) return
      const pending = queued.get(key)
      queued.delete(key)
      if (pending) void start(key, pending)
    }
  }

  /** Returns the oldest key of the next reader, and moves that reader to the end. */
  function nextKey(): string | undefined {
    for (const [reader, keys] of readers) {
      readers.delete(reader)
      for (const key of keys) {
        keys.delete(key)
        // The turn of another reader may have served this key.
        if (!queued.has(key)) continue
        if (keys.size > 0) readers.set(reader, keys)
        return key
      }
    }
    return undefined
  }

  async function start(
    key: string,
    { versionOf, read, result, resolve: resolveResult }: PendingRead<Result>,
  ): Promise<void> {
    const sent = { version: versionOf(), result }
    inFlight.set(key, sent)
    running += 1
    const outcome = read()
    resolveResult(outcome)
    await outcome.catch(() => {})
    running -= 1
    if (inFlight.get(key) === sent) inFlight.delete(key)
    startNext()
  }

  return {
    async run(key, versionOf, read, reader) {
      const now = versionOf()
      const sent = inFlight.get(key)
      if (sent && now !== undefined && sent.version === now) return sent.result
      enqueue(reader, key)
      return queued.get(key)?.result ?? wait(key, versionOf, read)
    },
  }
}
