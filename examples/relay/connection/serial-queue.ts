const MAX_WAITING = 1024

/** Maximum length of the queued frames (characters). */
const MAX_WAITING_SIZE = 262_144

/** Handles the items of a queue. */
export interface QueueConsumer<Item> {
  readonly isEnded: boolean
  handle(item: Item): Promise<void> | undefined
  onError(error: unknown): void
  /** The queue is full: stop reading. */
  onFull(): void
  /** The queue is empty. */
  onEmpty(): void
}

/** Handles items one at a time, in order. */
export class SerialQueue<Item> {
  readonly #consumer: QueueConsumer<Item>
  readonly #waiting: Item[] = []
  #waitingSize = 0
  #work: Promise<void> | undefined

  constructor(consumer: QueueConsumer<Item>) {
    this.#consumer = consumer
  }

  push(item: Item, size: number): void {
    this.#waiting.push(item)
    this.#waitingSize += size
    if (this.#waiting.length >= MAX_WAITING || this.#waitingSize >= MAX_WAITING_SIZE) this.#consumer.onFull()
    this.#work ??= this.#handleWaiting()
  }

  /** Resolves when all items are handled. */
  async whenIdle(): Promise<void> {
    return this.#work
  }

  clear(): void {
    this.#waiting.length = 0
  }

  async #handleWaiting(): Promise<void> {
    const consumer = this.#consumer
    const waiting = this.#waiting
    try {
      for (let next = waiting.shift(); next !== undefined && !consumer.isEnded; next = waiting.shift()) {
        await consumer.handle(next)
        if (waiting.length > 0) continue
        this.#waitingSize = 0
        consumer.onEmpty()
      }
    } catch (error) {
      consumer.onError(error)
    } finally {
      this.#work = undefined
    }
  }
}
