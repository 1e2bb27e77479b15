/** Whose turns they are. */
export interface TurnTaker<Item> {
  readonly isOver: boolean
  handle(item: Item): Promise<void> | undefined
  onError(error: unknown): void
  /** As much waits as may: nothing more should come. */
  onFull(): void
  /** Nothing waits any more. */
  onEmpty(): void
}

/** Handles one thing after the other, in the order in which they came, however long each takes. */
export class Turns<Item> {
  readonly #taker: TurnTaker<Item>
  readonly #waiting: Item[] = []
  #waitingSize = 0
  #work: Promise<void> | undefined

  constructor(taker: TurnTaker<Item>) {
    this.#taker = taker
  }

  push(item: Item, size: number): void {
    this.#waiting.push(item)
    this.#waitingSize += size
    if (this.#waiting.length >= MAX_WAITING || this.#waitingSize >= MAX_WAITING_SIZE) this.#taker.onFull()
    this.#work ??= this.#handleWaiting()
  }

  /** Resolves when everything that came is handled. */
  async done(): Promise<void> {
    return this.#work
  }

  clear(): void {
    this.#waiting.length = 0
  }

  async #handleWaiting(): Promise<void> {
    const taker = this.#taker
    const waiting = this.#waiting
    try {
      for (let next = waiting.shift(); next !== undefined && !taker.isOver; next = waiting.shift()) {
        await taker.handle(next)
        if (waiting.length > 0) continue
        this.#waitingSize = 0
        taker.onEmpty()
      }
    } catch (error) {
      taker.onError(error)
    } finally {
      this.#work = undefined
    }
  }
}

const MAX_WAITING = 1024

/** In characters. */
const MAX_WAITING_SIZE = 262_144
