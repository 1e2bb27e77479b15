const MAX_ITEMS = 1024

/** Maximum length of the queued frames (characters). */
const MAX_SIZE = 262_144

/** Handles the items of a queue. */
export interface QueueConsumer<Item> {
  readonly isEnded: boolean
  /** Handles the first of the items, and removes them. */
  handle(items: Item[]): Promise<void> | undefined
  onError(error: unknown): void
  /** The queue is full: stop reading. */
  onFull(): void
  /** The queue is empty. */
  onEmpty(): void
}

/** Handles items in order: the next ones wait until the consumer is done with the first. */
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
    this.#items?.splice(0)
  }

  async #handleItems(): Promise<void> {
    const consumer = this.#consumer
    try {
      // All items that arrive with the first one are in the queue before that is handled.
      await undefined
      while (this.#items?.length && !consumer.isEnded) {
        await consumer.handle(this.#items)
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
