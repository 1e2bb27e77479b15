import type { ChangeCount, ShareChanges } from '../limits/shared-changes.js'
import type { Siblings } from '../siblings.js'
import type { Change, FromWorker, ToWorker } from './messages.js'

/** Changes of limits are announced together (ms): an address may exceed a limit for so long. */
const ANNOUNCE_INTERVAL = 20

/** The other workers, as a worker sees them. */
export interface WorkerSiblings extends Siblings {
  /** Handles a message of the primary process. */
  receive(message: ToWorker): void
}

export function createWorkerSiblings(number: number, send: (message: FromWorker) => void): WorkerSiblings {
  const answers = new Map<string, (question: unknown) => unknown>()
  const waiting = new Map<number, (answers: readonly unknown[]) => void>()
  const limits = new Map<string, ChangeCount>()
  const announcements = createAnnouncements(send)
  let lastId = 0

  function ask(topic: string, question: unknown): Promise<readonly unknown[]> {
    lastId += 1
    const id = lastId
    send({ type: 'ask', id, topic, question })
    return new Promise((resolve) => waiting.set(id, resolve))
  }

  function apply(changes: readonly Change[]): void {
    for (const [limit, key, change] of changes) limits.get(limit)?.(key, change)
  }

  function shareAs(kind: 'uses' | 'units', limit: string): ShareChanges {
    return (applyOne) => {
      limits.set(limit, applyOne)
      return (key, change) => announcements.add(kind, limit, key, change)
    }
  }

  return {
    worker: String(number),
    share<Question, Answer>(topic: string, answer: (question: Question) => Answer) {
      answers.set(topic, answer as (question: unknown) => unknown)
      return together((question: Question) => ask(topic, question) as Promise<readonly Answer[]>)
    },
    shareUses: (limit) => shareAs('uses', limit),
    shareRate: (limit) => shareAs('units', limit),
    receive(message) {
      switch (message.type) {
        case 'question':
          return send({ type: 'answer', id: message.id, answer: answers.get(message.topic)?.(message.question) })
        case 'answers':
          waiting.get(message.id)?.(message.answers)
          return void waiting.delete(message.id)
        case 'changes':
          apply(message.uses)
          apply(message.units)
      }
    },
  }
}

/** Shares an answer among those that ask the same meanwhile, so that floods of requests stay in their worker. */
function together<Question, Answer>(ask: (question: Question) => Promise<Answer>) {
  const asked = new Map<Question, Promise<Answer>>()
  return (question: Question): Promise<Answer> => {
    const known = asked.get(question)
    if (known) return known
    const answer = ask(question).finally(() => asked.delete(question))
    asked.set(question, answer)
    return answer
  }
}

/** Collects changes, and sends those that do not cancel each other out. */
function createAnnouncements(send: (message: FromWorker) => void) {
  const collected = { uses: new Map<string, Map<string, number>>(), units: new Map<string, Map<string, number>>() }
  let timer: NodeJS.Timeout | undefined

  function take(kind: 'uses' | 'units'): readonly Change[] {
    const changes = [...collected[kind]].flatMap(([limit, keys]) =>
      [...keys].map(([key, change]) => [limit, key, change] as const),
    )
    collected[kind].clear()
    return changes.filter(([, , change]) => change !== 0)
  }

  function flush(): void {
    timer = undefined
    const [uses, units] = [take('uses'), take('units')]
    if (uses.length + units.length > 0) send({ type: 'changes', uses, units })
  }

  return {
    add(kind: 'uses' | 'units', limit: string, key: string, change: number): void {
      const keys = collected[kind].get(limit) ?? new Map<string, number>()
      collected[kind].set(limit, keys)
      keys.set(key, (keys.get(key) ?? 0) + change)
      timer ??= setTimeout(flush, ANNOUNCE_INTERVAL).unref()
    },
  }
}
