import type { Reader } from '../log.js'

/** Does equal pieces of work once, and few at a time; readers take turns. */
export interface Readings<Result> {
  /**
   * @param key Equal keys mean equal work: what waits for its turn serves everybody who asks for it meanwhile.
   * @param mark What must be as it was when the work began for others to share it on its way: it may know nothing of what
   * came since. `undefined` never shares.
   * @param reader Whose turn the work takes. Work that several readers wait for takes the first turn of any of them.
   */
  ask(key: string, mark: () => number | undefined, work: () => Promise<Result>, reader?: Reader): Promise<Result>
}

interface Asked<Result> {
  readonly mark: () => number | undefined
  readonly work: () => Promise<Result>
  readonly result: Promise<Result>
  readonly settle: (outcome: Promise<Result>) => void
}

export function createReadings<Result>(atOnce: number): Readings<Result> {
  const waiting = new Map<string, Asked<Result>>()
  /** The keys that each reader waits for, oldest first. The reader whose turn is next stands first. */
  const readers = new Map<Reader | undefined, Set<string>>()
  const underWay = new Map<string, { readonly mark: number | undefined; readonly result: Promise<Result> }>()
  let busy = 0

  function enlist(reader: Reader | undefined, key: string): void {
    const keys = readers.get(reader) ?? new Set()
    readers.set(reader, keys.add(key))
  }

  function wait(key: string, mark: Asked<Result>['mark'], work: Asked<Result>['work']): Promise<Result> {
    let settle: Asked<Result>['settle'] = () => {}
    const result = new Promise<Result>((resolve) => (settle = resolve))
    waiting.set(key, { mark, work, result, settle })
    advance()
    return result
  }

  function advance(): void {
    while (busy < atOnce) {
      const key = takeTurn()
      if (key === undefined) return
      const asked = waiting.get(key)
      waiting.delete(key)
      if (asked) void begin(key, asked)
    }
  }

  /** The oldest key of the next reader who waits for any; that reader goes to the end. */
  function takeTurn(): string | undefined {
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

  async function begin(key: string, { mark, work, result, settle }: Asked<Result>): Promise<void> {
    const sent = { mark: mark(), result }
    underWay.set(key, sent)
    busy += 1
    const outcome = work()
    settle(outcome)
    await outcome.catch(() => {})
    busy -= 1
    if (underWay.get(key) === sent) underWay.delete(key)
    advance()
  }

  return {
    async ask(key, mark, work, reader) {
      const now = mark()
      const sent = underWay.get(key)
      if (sent && now !== undefined && sent.mark === now) return sent.result
      enlist(reader, key)
      return waiting.get(key)?.result ?? wait(key, mark, work)
    },
  }
}
