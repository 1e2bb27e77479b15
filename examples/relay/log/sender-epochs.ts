/** A client has at most so many signals unanswered: an older room has nothing left that could be sent again. */
const MAX_ROOMS = 256

/**
 * The epochs in which one sender's signals were logged, by room, so that a log that begins anew cannot change their order.
 * A class, because a relay has ten thousand of them.
 */
export class SenderEpochs {
  #epochs: Map<string, string> | undefined

  /** The epoch of the sender's last signal to a room; an empty text before the first. */
  of(room: string): string {
    return this.#epochs?.get(room) ?? ''
  }

  /** Everything that the sender sent before is answered. */
  clear(): void {
    this.#epochs?.clear()
  }

  record(room: string, epoch: string): void {
    this.#epochs ??= new Map()
    // At the end, so that the rooms of the oldest signals stand at the front.
    this.#epochs.delete(room)
    this.#epochs.set(room, epoch)
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size <= MAX_ROOMS) return
      this.#epochs.delete(oldest)
    }
  }
}
