/** Time for the answers of workers (ms). A worker that is busy for longer is left out. */
const ANSWER_TIMEOUT = 1000

/** Asks all workers one question, and collects their answers. */
export interface Polls<Worker> {
  /** @param ask Sends the question with its id to a worker. */
  start(workers: readonly Worker[], ask: (worker: Worker, id: number) => void): Promise<ReadonlyMap<Worker, unknown>>
  answer(worker: Worker, id: number, answer: unknown): void
  /** Waits no longer for a worker, and drops its answers, because it has ended. */
  remove(worker: Worker): void
}

interface Poll<Worker> {
  readonly waiting: Set<Worker>
  readonly answers: Map<Worker, unknown>
  readonly end: () => void
}

export function createPolls<Worker>(): Polls<Worker> {
  const polls = new Map<number, Poll<Worker>>()
  let lastId = 0

  function finish(worker: Worker, { waiting, end }: Poll<Worker>): void {
    waiting.delete(worker)
    if (waiting.size === 0) end()
  }

  return {
    async start(workers, ask) {
      lastId += 1
      const id = lastId
      const answers = new Map<Worker, unknown>()
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ANSWER_TIMEOUT)
        const end = (): void => {
          clearTimeout(timer)
          resolve()
        }
        polls.set(id, { waiting: new Set(workers), answers, end })
        for (const worker of workers) ask(worker, id)
        if (workers.length === 0) end()
      })
      polls.delete(id)
      return answers
    },
    answer(worker, id, answer) {
      const poll = polls.get(id)
      if (!poll?.waiting.has(worker)) return
      poll.answers.set(worker, answer)
      finish(worker, poll)
    },
    remove(worker) {
      for (const poll of polls.values()) {
        poll.answers.delete(worker)
        finish(worker, poll)
      }
    },
  }
}
