import type { Reader } from '../log.js'

/** Does equal pieces of work once, and few at a time; readers take turns. */
export interface ReadQueue<Result> {
  /**
   * @param key Equal keys mean equal work: what waits for its turn serves everybody who asks for it meanwhile.
   * @param versionOf What must be as it was when the work began for others to share it on its way: it may know nothing of what
   * came since. `undefined` never shares.
   * @param reader Whose turn the work takes. Work that several readers wait for takes the first turn of any of them.
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
  const waiting = new Map<string, PendingRead<Result>>()
  /** The keys that each reader waits for, oldest first. The reader whose turn is next stands first. */
  const readers = new Map<Reader | undefined, Set<string>>()
  const inFlight = new Map<string, { readonly mark: number | undefined; readonly result: Promise<Result> }>()
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
    let settle: PendingRead<Result>['resolve'] = () => {}
    const result = new Promise<Result>((resolve) => (settle = resolve))
    waiting.set(key, { versionOf, read, result, resolve: settle })
    startNext()
    return result
  }

  function startNext(): void {
    while (running < concurrency) {
      const key = nextKey()
      if (key === undefined) return
      const pending = waiting.get(key)
      waiting.delete(key)
      if (pending) void start(key, pending)
    }
  }

  /** The oldest key of the next reader who waits for any; that reader goes to the end. */
  function nextKey(): string | undefined {
    for (const [reader, keys] of readers) {
      readers.delete(reader)
      for (const key of keys) {
        keys.delete(key)
        // Another reader's turn may have served it.
        if (!waiting.has(key)) continue
        if (keys.size > 0) readers.set(reader, keys)
        return key
      }
    }
    return undefined
  }

  async function start(key: string, { versionOf, read, result, resolve: settle }: PendingRead<Result>): Promise<void> {
    const sent = { mark: versionOf(), result }
    inFlight.set(key, sent)
    running += 1
    const outcome = read()
    settle(outcome)
    await outcome.catch(() => {})
    running -= 1
    if (inFlight.get(key) === sent) inFlight.delete(key)
    startNext()
  }

  return {
    async run(key, versionOf, read, reader) {
      const now = versionOf()
      const sent = inFlight.get(key)
      if (sent && now !== undefined && sent.mark === now) return sent.result
      enqueue(reader, key)
      return waiting.get(key)?.result ?? wait(key, versionOf, read)
    },
  }
}
