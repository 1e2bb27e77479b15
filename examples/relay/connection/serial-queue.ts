const MAX_WAITING = 1024

/** In characters. */
const MAX_WAITING_SIZE = 262_144

/** Whose turns they are. */
export interface QueueConsumer<Item> {
  readonly isEnded: boolean
  handle(item: Item): Promise<void> | undefined
  onError(error: unknown): void
  /** As much waits as may: nothing more should come. */
  onFull(): void
  /** Nothing waits any more. */
  onEmpty(): void
}

/** Handles one thing after the other, in the order in which they came, however long each takes. */
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

  /** Resolves when everything that came is handled. */
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
