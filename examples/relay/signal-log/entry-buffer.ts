import type { Entry } from './log.js'

/** Maximum number of entries: more than a busy room gets during one read. */
const MAX_ENTRIES = 2048
/** Maximum size of the entries (bytes). */
const MAX_BYTES = 4_194_304

interface BufferedEntry {
  readonly epoch: string
  readonly entry: Entry
}

/** Keeps the entries that arrive during a read of the log. A class, because every member of a room has one. */
export class EntryBuffer {
  #entries: BufferedEntry[] = []
  #bytes = 0
  #isComplete = true

  add(epoch: string, entry: Entry): void {
    this.#bytes += entry.frame.length
    if (this.#entries.length >= MAX_ENTRIES || this.#bytes > MAX_BYTES) this.invalidate()
    if (this.#isComplete) this.#entries.push({ epoch, entry })
  }

  /** Drops the entries, because some are missing: the log must be read again. */
  invalidate(): void {
    this.#entries = []
    this.#isComplete = false
  }

  /** Removes and returns the entries. Returns `undefined` if some are missing. */
  take(): readonly BufferedEntry[] | undefined {
    const entries = this.#isComplete ? this.#entries : undefined
    this.#entries = []
    this.#bytes = 0
    this.#isComplete = true
    return entries
  }
}
