/** BroadcastChannel for tests in Node: messages arrive in order, in a task of their own, unless the tab hangs. */
export function createFakeChannels() {
  const open = new Set<FakeChannel>()

  class FakeChannel {
    onmessage: ((event: { readonly data: unknown }) => void) | undefined
    readonly name: string
    isHanging = false
    readonly #held: unknown[] = []

    constructor(name: string) {
      this.name = name
      open.add(this)
    }

    postMessage(data: unknown): void {
      if (!open.has(this)) throw new DOMException('The channel is closed', 'InvalidStateError')
      for (const other of open) if (other !== this && other.name === this.name) other.#receive(structuredClone(data))
    }

    /** Runs what came while the tab hung. */
    goOn(): void {
      this.isHanging = false
      for (const data of this.#held.splice(0)) this.#receive(data)
    }

    close(): void {
      open.delete(this)
    }

    #receive(data: unknown): void {
      if (this.isHanging) this.#held.push(data)
      else queueMicrotask(() => open.has(this) && this.onmessage?.({ data }))
    }
  }

  return { FakeChannel, open }
}
