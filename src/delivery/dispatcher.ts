import type { SignalError } from '../errors.js'
import type { JsonValue, Position } from '../protocol/frames.js'
import type { Signal } from '../signals.js'
import { createBacklog } from './backlog.js'
import type { ReceivedFrame } from './inbox.js'
import { type Receivers, typeOf } from './receivers.js'

export interface DispatcherOptions {
  readonly receivers: Receivers
  /** Checks the data of each signal that has a receiver. */
  readonly check: ((name: string, data: unknown) => unknown) | undefined
  /** When the page counts as loaded (ms since its navigation). */
  readonly loadedAt: number
  /** By type: the position up to which the receivers of the tab have handled the signals of their name. */
  readonly handled: Map<string, Position>
  /** Whether this page, or the tab's last one, sent the signal. */
  readonly isOwn: (frame: ReceivedFrame) => boolean
  readonly onError: (error: SignalError) => void
}

export interface Dispatcher {
  /** Passes a signal to the receivers of its name and of `*`, and stores it for receivers that a loading page adds later. */
  dispatch(frame: ReceivedFrame, isReplayed: boolean): void
  /** Passes the stored signals of a type to its first receiver, in a microtask. */
  deliverStored(type: string): Promise<void>
  /** Keeps stored signals back until `resume`: the next user may be another one. */
  hold(): void
  /** @param isSameUser If false, the stored signals are dropped. */
  resume(isSameUser: boolean): void
  end(): void
}

/** Passes each signal to the handlers of the page. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { receivers, check, loadedAt, handled, isOwn, onError } = options
  const backlog = createBacklog(loadedAt)
  let ready = Promise.resolve()
  let release: (() => void) | undefined

  function deliver(frame: ReceivedFrame, replayed: boolean, types: readonly string[]): void {
    const { signal: name, data, room, epoch, offset, id, at, sender } = frame
    try {
      const checked = check ? (check(name, data) as JsonValue) : data
      const signal: Signal = { name, data: checked, room, id, at, sender, self: isOwn(frame), replayed }
      for (const type of types) {
        const last = handled.get(type)
        const isHandled = last?.epoch === epoch && offset <= last.offset
        // A server without positions gives every signal the offset 0.
        if (offset > 0 && !isHandled) handled.set(type, { epoch, offset })
        receivers.deliver(type, signal, isHandled)
      }
    } catch (error) {
      onError(error as SignalError)
    }
  }

  function deliverStored(type: string): void {
    for (const frame of backlog.take(type)) deliver(frame, true, [type])
  }

  return {
    dispatch(frame, isReplayed) {
      const types = [typeOf(frame.room, frame.signal), typeOf(frame.room, '*')]
      const received = types.filter((type) => receivers.hasReceivers(type))
      for (const type of types) {
        // A handler of this task may just have registered the receiver: what is stored comes before this signal.
        if (received.includes(type)) deliverStored(type)
        else backlog.keep(type, frame)
      }
      // A signal without a receiver is not checked: the page may not know its name.
      if (received.length > 0) deliver(frame, isReplayed, received)
    },

    async deliverStored(type) {
      await ready
      deliverStored(type)
    },

    hold() {
      if (release) return
      ready = new Promise((resolve) => {
        release = resolve
      })
    },

    resume(isSameUser) {
      if (!isSameUser) backlog.drop()
      release?.()
      release = undefined
    },

    end: backlog.end,
  }
}
