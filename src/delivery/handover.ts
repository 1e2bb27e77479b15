import type { Outbox } from './outbox.js'
import type { OutgoingSignal } from './outgoing-signal.js'
import type { Remembered, TabMemory } from './tab-memory.js'

/** Shortest time between two saves while the page lives (ms). */
const SAVE_INTERVAL = 20

export interface HandoverOptions {
  /** Undefined where there is no page. */
  readonly memory: TabMemory | undefined
  readonly outbox: Outbox
  /** Takes over the signals and the name of an earlier page of the tab. */
  readonly adopt: (note: Remembered) => void
  /** Returns what the next page has to know besides signals. */
  readonly getPageState: () => Omit<Remembered, 'signals'>
  /** Sends unaccepted signals by a request that outlives the page, and returns those that fit. */
  readonly post: () => readonly OutgoingSignal[]
}

/** Saves the state of the page for the next page of the tab. */
export interface Handover {
  /**
   * Saves the positions while the page lives: its `pagehide` may come after the start of the next page, or never. Adopts
   * the state that an earlier page saved so late.
   *
   * @param isSuccessor Whether this page begins now, or returns from the back/forward cache.
   */
  save(isSuccessor?: boolean): void
  /** Saves now, then once for all changes of the next interval. */
  saveSoon(): void
  /** Resends unaccepted signals, and saves everything: the page is left, perhaps for good. */
  leave(): void
  /** Removes the saved state, unless the page was left. */
  end(): void
}

export function createHandover({ memory, outbox, adopt, getPageState, post }: HandoverOptions): Handover {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isLeft = false

  function save(isSuccessor = false): void {
    clearTimeout(timer)
    timer = undefined
    isLeft = false
    if (!memory) return
    const late = memory.take(isSuccessor)
    if (late) adopt(late)
    // Another tab may get a copy while this page lives: the name would make it a successor of this page.
    memory.keep({ ...getPageState(), tab: undefined })
  }

  return {
    save,

    saveSoon() {
      if (!memory || timer) return
      save()
      timer = setTimeout(save, SAVE_INTERVAL)
    },

    leave() {
      if (!memory) return
      for (const { id } of post()) outbox.markSent(id)
      clearTimeout(timer)
      isLeft = true
      memory.keep({ ...getPageState(), signals: outbox.waiting() })
    },

    end() {
      clearTimeout(timer)
      if (!isLeft) memory?.forget()
    },
  }
}
