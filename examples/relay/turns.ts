export interface TurnsOptions<Item> {
  readonly handle: (item: Item) => Promise<void> | undefined
  readonly isOver: () => boolean
  readonly onError: (error: unknown) => void
  /** As much waits as may: nothing more should come. */
  readonly onFull: () => void
  /** Nothing waits any more. */
  readonly onEmpty: () => void
}

/** Handles one thing after the other, in the order in which they came, however long each takes. */
export interface Turns<Item> {
  push(item: Item, size: number): void
  /** Resolves when everything that came is handled. */
  done(): Promise<void>
  clear(): void
}

export function createTurns<Item>({ handle, isOver, onError, onFull, onEmpty }: TurnsOptions<Item>): Turns<Item> {
  const waiting: Item[] = []
  let waitingSize = 0
  let work: Promise<void> | undefined

  async function handleWaiting(): Promise<void> {
    try {
      for (let next = waiting.shift(); next !== undefined && !isOver(); next = waiting.shift()) {
        await handle(next)
        if (waiting.length > 0) continue
        waitingSize = 0
        onEmpty()
      }
    } catch (error) {
      onError(error)
    } finally {
      work = undefined
    }
  }

  return {
    push(item, size) {
      waiting.push(item)
      waitingSize += size
      if (waiting.length >= MAX_WAITING || waitingSize >= MAX_WAITING_SIZE) onFull()
      work ??= handleWaiting()
    },
    done: async () => work,
    clear() {
      waiting.length = 0
    },
  }
}

const MAX_WAITING = 1024

/** In characters. */
const MAX_WAITING_SIZE = 262_144
