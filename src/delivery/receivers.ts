import { createEmitter } from '../emitter.js'
import { badOption, checkFunction, checkName, checkOptions } from '../option-checks.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import type { ReceiveOptions, Signal, Stop } from '../signals.js'

const OPTIONS = {
  room: 'string',
  once: 'boolean',
  signal: 'object',
  from: 'anyone others',
  since: 'tab page',
  where: 'function',
}

/** A handler whose name and data the types of the client have matched. */
export type AnyHandler = (data: Signal['data'], signal: Signal) => unknown

export interface Receivers {
  /** @throws SignalError `bad-name` or `bad-option`. */
  add(name: string, handler: AnyHandler, options?: ReceiveOptions): Stop
  /** Whether a type has a receiver. */
  hasReceivers(type: string): boolean
  /**
   * Calls the receivers of a type.
   *
   * @param isHandled Whether a receiver of the type has handled the signal on the tab's last page.
   */
  deliver(type: string, signal: Signal, isHandled: boolean): void
  clear(): void
}

/** The options of a receiver that are no texts. */
type Conditions = { readonly [Name in 'signal' | 'where']: ReceiveOptions[Name] | undefined }

export interface ReceiversOptions {
  /** Called for each receiver; the receiver calls the result when it stops. */
  readonly listen: (room: string) => Stop
  readonly onThrow: (error: unknown, signal: Signal) => void
}

type Received = readonly [signal: Signal, isHandled: boolean]

/** The type of an event: no name has a space. With its room, `'*'` is a name like others; mitt treats a bare `'*'` specially. */
export const typeOf = (room: string, name: string): string => `${room} ${name}`

/** The handlers of the page, by room and name. */
export function createReceivers({ listen, onThrow }: ReceiversOptions): Receivers {
  const emitter = createEmitter<{ readonly [type: string]: Received }>((error, [signal]) => onThrow(error, signal))
  // By handler and kind: comparing each new receiver with all others would be quadratic.
  const registrations = new WeakMap<AnyHandler, Map<string, Map<Stop, Conditions>>>()
  const stops = new Set<Stop>()

  return {
    add(name, handler, options) {
      checkOptions(options, OPTIONS)
      checkFunction(handler, 'receiveSignal()')
      const { room = DEFAULT_ROOM, once = false, from = 'anyone', since = 'tab', signal, where } = options ?? {}
      if (signal && !('aborted' in signal)) throw badOption('The option "signal" takes controller.signal')
      checkName(room)
      if (name !== '*') checkName(name)
      const type = typeOf(room, name)
      const kind = [type, once, from, since].join()
      const kinds = registrations.get(handler) ?? new Map<string, Map<Stop, Conditions>>()
      const same = kinds.get(kind) ?? new Map<Stop, Conditions>()
      for (const [stop, other] of same) if (other.signal === signal && other.where === where) return stop

      const unlisten = listen(room)
      const off = emitter.on(type, ([received, isHandled]) => {
        if ((isHandled && since === 'tab') || (from === 'others' && received.self) || (where && !where(received)))
          return
        if (once) stop()
        return handler(received.data, received)
      })
      const stop = (): void => {
        off()
        unlisten()
        if (same.delete(stop) && same.size === 0) kinds.delete(kind)
        stops.delete(stop)
        signal?.removeEventListener('abort', stop)
      }
      stops.add(stop)
      registrations.set(handler, kinds.set(kind, same.set(stop, { signal, where })))
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) stop()
      return stop
    },

    hasReceivers: emitter.hasHandlers,
    deliver: (type, ...received) => emitter.emit(type, received),

    clear() {
      for (const stop of stops) stop()
    },
  }
}
