/** Does equal pieces of work once, and few at a time. */
export interface Readings<Result> {
  /**
   * @param key Equal keys mean equal work: what waits for its turn serves everybody who asks for it meanwhile.
   * @param mark What must be as it was when the work began for others to share it on its way: it may know nothing of what
   * came since. `undefined` never shares.
   */
  ask(key: string, mark: () => number | undefined, work: () => Promise<Result>): Promise<Result>
}

interface Asked<Result> {
  readonly mark: () => number | undefined
  readonly work: () => Promise<Result>
  readonly result: Promise<Result>
  readonly settle: (outcome: Promise<Result>) => void
}

export function createReadings<Result>(atOnce: number): Readings<Result> {
  /** In the order in which they were asked for. */
  const waiting = new Map<string, Asked<Result>>()
  const underWay = new Map<string, { readonly mark: number | undefined; readonly result: Promise<Result> }>()
  let busy = 0

  function wait(key: string, mark: Asked<Result>['mark'], work: Asked<Result>['work']): Promise<Result> {
    let settle: Asked<Result>['settle'] = () => {}
    const result = new Promise<Result>((resolve) => (settle = resolve))
    waiting.set(key, { mark, work, result, settle })
    advance()
    return result
  }

  function advance(): void {
    for (const [key, asked] of waiting) {
      if (busy >= atOnce) return
      waiting.delete(key)
      void begin(key, asked)
    }
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
    async ask(key, mark, work) {
      const now = mark()
      const sent = underWay.get(key)
      if (sent && now !== undefined && sent.mark === now) return sent.result
      return waiting.get(key)?.result ?? wait(key, mark, work)
    },
  }
}
