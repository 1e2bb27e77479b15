/** More rooms than a client can have unanswered signals: older rooms have nothing to send again. */
const MAX_ROOMS = 256

/**
 * The epochs of one sender's signals by room, which keep their order across a new epoch of the log. A class saves
 * memory: a relay has ten thousand of them.
 */
export class SenderEpochs {
  #epochs: Map<string, string> | undefined

  /** Returns the epoch of the sender's last signal to a room, or an empty text before the first. */
  of(room: string): string {
    return this.#epochs?.get(room) ?? ''
  }

  /** Forgets all epochs, because every earlier signal is answered. */
  clear(): void {
    this.#epochs?.clear()
  }

  record(room: string, epoch: string): void {
    this.#epochs ??= new Map()
    // Reinsert at the end: the rooms of the oldest signals come first.
    this.#epochs.delete(room)
    this.#epochs.set(room, epoch)
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size <= MAX_ROOMS) return
      this.#epochs.delete(oldest)
    }
  }
}
