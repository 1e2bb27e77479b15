import type { SendFrame } from '../protocol/frames.js'
import { stringify } from '../protocol/stringify.js'

/** Signals on their way to the relay: a request begins when the one before has been answered, so their order is kept. */
export interface PostQueue {
  push(signal: SendFrame): void
  /** Keeps back signals until `release`: a request could overtake the hello that joins their room. */
  hold(): void
  release(): void
}

export interface PostQueueOptions {
  /** Sends signals. Resolves with whether the queue may go on. */
  readonly submit: (signals: readonly SendFrame[]) => Promise<boolean>
  /** Returns how many bytes of signals a request may have; a larger signal has a request of its own. */
  readonly maxBytes: () => number
}

export function createPostQueue({ submit, maxBytes }: PostQueueOptions): PostQueue {
  const waiting: SendFrame[] = []
  let isHeld = false
  let isBusy = false

  /** Takes as many signals as fit into one request, and at least one. */
  function takeBatch(): SendFrame[] {
    let size = 0
    const count = waiting.findIndex((signal, index) => {
      // A character takes up to three bytes.
      size += 3 * stringify(signal).length
      return index > 0 && size > maxBytes()
    })
    return waiting.splice(0, count < 0 ? waiting.length : count)
  }

  async function sendNext(): Promise<void> {
    if (isBusy || isHeld || waiting.length === 0) return
    isBusy = true
    if (!(await submit(takeBatch()))) return
    isBusy = false
    await sendNext()
  }

  return {
    push(signal) {
      waiting.push(signal)
      void sendNext()
    },
    hold() {
      isHeld = true
    },
    release() {
      isHeld = false
      void sendNext()
    },
  }
}
