import type { Emitter } from '../emitter.js'
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

/** Signals by `room name`. No name holds a space, so no two pairs meet. */
export type Topics = { readonly [topic: `${string} ${string}`]: Signal }

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

/** The handlers of the page, by room and name. `listen` is called for each, and what it returns when it stops. */
export function createReceivers(emitter: Emitter<Topics>, listen: (room: string) => Stop): Receivers {
  const registrations = new Set<Registration>()

  return {
    add(name, handler, options = {}) {
      checkOptions(options, OPTIONS)
      if (typeof handler !== 'function') throw badOption('receiveSignal needs a handler, which is a function')
      const { room = DEFAULT_ROOM, once, from, signal, where } = options
      checkName(room)
      if (name !== '*') checkName(name)
      for (const other of registrations) {
        const keys = Object.keys(OPTIONS) as (keyof ReceiveOptions)[]
        const isSame = other.name === name && other.handler === handler
        if (isSame && keys.every((key) => other.options[key] === options[key])) return other.stop
      }

      const unlisten = listen(room)
      const off = emitter.on(topic(room, name), (received) => {
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
      const registration: Registration = { name, handler, options: { ...options }, stop }
      registrations.add(registration)
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) stop()
      return stop
    },

    hears: (room, name) => emitter.has(topic(room, name)) || emitter.has(topic(room, '*')),

    deliver(signal) {
      emitter.emit(topic(signal.room, signal.name), signal)
      emitter.emit(topic(signal.room, '*'), signal)
    },
  }
}

function topic(room: string, name: string): keyof Topics {
  return `${room} ${name}`
}
