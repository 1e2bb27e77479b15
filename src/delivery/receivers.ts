import type { Emitter } from '../emitter.js'
import { SignalError } from '../errors.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import type { ReceiveOptions, Signal, Stop } from '../signals.js'
import { checkName, checkOptions, checkRoom } from './parcel.js'

const OPTIONS = ['room', 'once', 'signal', 'from', 'where']

/** A handler whose name and data the types of the client have already matched. */
export type AnyHandler = (data: Signal['data'], signal: Signal) => unknown

export interface Receivers {
  add(name: string, handler: AnyHandler, options?: ReceiveOptions): Stop
  /** Whether anybody would hear it. */
  hears(room: string, name: string): boolean
  deliver(signal: Signal): void
}

interface Registration {
  readonly name: string
  readonly handler: AnyHandler
  readonly options: ReceiveOptions
  readonly stop: Stop
}

/** The handlers of the page, by room and name. `listen` is called for each receiver, and its result when it stops. */
export function createReceivers(emitter: Emitter<Signal>, listen: (room: string) => Stop): Receivers {
  const registrations = new Set<Registration>()

  function find(name: string, handler: AnyHandler, options: ReceiveOptions): Registration | undefined {
    return [...registrations].find(
      (other) =>
        other.name === name &&
        other.handler === handler &&
        OPTIONS.every((key) => other.options[key as keyof ReceiveOptions] === options[key as keyof ReceiveOptions]),
    )
  }

  return {
    add(name, handler, given = {}) {
      if (name !== '*') checkName(name)
      checkOptions(given, OPTIONS, 'receiveSignal')
      const { room = DEFAULT_ROOM, once = false, from = 'anyone', signal, where } = given
      checkRoom(room)
      if (typeof handler !== 'function') {
        throw new SignalError('bad-option', `The handler of "${name}" must be a function.`)
      }
      if (signal?.aborted) return () => undefined
      const options = { room, once, from, ...(signal && { signal }), ...(where && { where }) }
      const same = find(name, handler, options)
      if (same) return same.stop

      const unlisten = listen(room)
      const off = emitter.on(topic(room, name), (received) => {
        if (from === 'others' && received.self) return
        if (where && !where(received)) return
        if (once) stop()
        return handler(received.data, received)
      })
      const stop = (): void => {
        off()
        unlisten()
        registrations.delete(registration)
        signal?.removeEventListener('abort', stop)
      }
      const registration: Registration = { name, handler, options, stop }
      registrations.add(registration)
      signal?.addEventListener('abort', stop)
      return stop
    },

    hears: (room, name) => emitter.has(topic(room, name)) || emitter.has(topic(room, '*')),

    deliver(signal) {
      emitter.emit(topic(signal.room, signal.name), signal)
      emitter.emit(topic(signal.room, '*'), signal)
    },
  }
}

/** No name holds a space, so no two pairs meet, and no topic is the emitter's own wildcard. */
function topic(room: string, name: string): string {
  return `${room} ${name}`
}
