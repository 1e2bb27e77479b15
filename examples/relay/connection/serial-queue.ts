const MAX_ITEMS = 1024

/** Maximum length of the queued frames (characters). */
const MAX_SIZE = 262_144

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
  /** Not kept while it is empty: an idle connection has no array. */
  #items: Item[] | undefined
  #size = 0
  #work: Promise<void> | undefined

  constructor(consumer: QueueConsumer<Item>) {
    this.#consumer = consumer
  }

  push(item: Item, size: number): void {
    this.#items ??= []
    this.#items.push(item)
    this.#size += size
    if (this.#items.length >= MAX_ITEMS || this.#size >= MAX_SIZE) this.#consumer.onFull()
    this.#work ??= this.#handleItems()
  }

  /** Resolves when all items are handled. */
  async whenIdle(): Promise<void> {
    return this.#work
  }

  clear(): void {
    this.#items = undefined
  }

  async #handleItems(): Promise<void> {
    const consumer = this.#consumer
    try {
      for (let next = this.#items?.shift(); next !== undefined && !consumer.isEnded; next = this.#items?.shift()) {
        await consumer.handle(next)
        if (this.#items?.length) continue
        this.#items = undefined
        this.#size = 0
        consumer.onEmpty()
      }
    } catch (error) {
      consumer.onError(error)
    } finally {
      this.#work = undefined
    }
  }
}
