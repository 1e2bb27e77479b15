import { createEmitter, type Emitter } from '../emitter.js'
import { badOption, checkName, checkOptions } from '../options.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import type { ReceiveOptions, Signal, Stop } from '../signals.js'

const OPTIONS = {
  room: ['string'],
  once: ['boolean'],
  signal: ['object'],
  from: ['anyone', 'others'],
  where: ['function'],
}

/** A handler whose name and data the types of the client have already matched. */
export type AnyHandler = (data: Signal['data'], signal: Signal) => unknown

export interface Receivers {
  /** @throws SignalError `bad-name` or `bad-option`. */
  add(name: string, handler: AnyHandler, options?: ReceiveOptions): Stop
  /** Whether anybody is registered under this name; `'*'` is one of its own. */
  hears(room: string, name: string): boolean
  /** Calls those registered under `name`: the signal's own, or `'*'`. */
  deliver(name: string, signal: Signal): void
  clear(): void
}

export interface ReceiversOptions {
  /** Called for each receiver; what it returns is called when the receiver stops. */
  readonly listen: (room: string) => Stop
  readonly onThrow: (error: unknown) => void
}

interface Registration {
  readonly name: string
  readonly handler: AnyHandler
  readonly options: { readonly [Key in keyof ReceiveOptions]: ReceiveOptions[Key] | undefined }
  readonly stop: Stop
}

/** mitt would tell a type `'*'` of every event; which receivers hear what is decided here. */
const typeOf = (name: string): string => (name === '*' ? '' : name)

/** The handlers of the page, by room and name. */
export function createReceivers({ listen, onThrow }: ReceiversOptions): Receivers {
  const registrations = new Set<Registration>()
  const rooms = new Map<string, Emitter<{ readonly [name: string]: Signal }>>()

  function emitterOf(room: string): Emitter<{ readonly [name: string]: Signal }> {
    const emitter = rooms.get(room) ?? createEmitter(onThrow)
    rooms.set(room, emitter)
    return emitter
  }

  return {
    add(name, handler, options = {}) {
      checkOptions(options, OPTIONS)
      if (typeof handler !== 'function') throw badOption('receiveSignal needs a handler, which is a function')
      const { room = DEFAULT_ROOM, once = false, from = 'anyone', signal, where } = options
      const normal = { room, once, from, signal, where }
      checkName(room)
      if (name !== '*') checkName(name)
      for (const other of registrations) {
        const keys = Object.keys(OPTIONS) as (keyof ReceiveOptions)[]
        const isSame = other.name === name && other.handler === handler
        if (isSame && keys.every((key) => other.options[key] === normal[key])) return other.stop
      }

      const unlisten = listen(room)
      const off = emitterOf(room).on(typeOf(name), (received) => {
        if ((from === 'others' && received.self) || (where && !where(received))) return
        if (once) stop()
        return handler(received.data, received)
      })
      const stop = (): void => {
        off()
        unlisten()
        registrations.delete(registration)
        signal?.removeEventListener('abort', stop)
      }
      const registration: Registration = { name, handler, options: normal, stop }
      registrations.add(registration)
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) stop()
      return stop
    },

    hears: (room, name) => Boolean(rooms.get(room)?.hears(typeOf(name))),
    deliver: (name, signal) => rooms.get(signal.room)?.emit(typeOf(name), signal),

    clear() {
      for (const { stop } of registrations) stop()
    },
  }
}
