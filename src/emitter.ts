import mitt from 'mitt'
import type { Stop } from './signals.js'

export interface Emitter<Events> {
  on<Type extends keyof Events>(type: Type, listener: (value: Events[Type]) => unknown): Stop
  emit<Type extends keyof Events>(type: Type, value: Events[Type]): void
  /** Whether an event of this type has a listener. */
  hasHandlers(type: keyof Events): boolean
}

/**
 * Isolates listeners from each other: the error of one goes to `onThrow`, with the event, and the others are still called. A
 * stopped listener is never called again, not even by an event that is being dispatched.
 */
export function createEmitter<Events extends object>(
  onThrow: (error: unknown, value: Events[keyof Events]) => void,
): Emitter<Events> {
  const { all, on, off, emit } = mitt<{ [Type in keyof Events]: Events[Type] } & Record<PropertyKey, unknown>>()

  return {
    on(type, listener) {
      let isLive = true
      const guarded = (value: Events[typeof type]): void => {
        try {
          const result = isLive && (listener(value) as Partial<PromiseLike<unknown>> | undefined)
          // Any thenable, including promises of other realms and libraries.
          if (result) result.then?.(undefined, (error: unknown) => onThrow(error, value))
        } catch (error) {
          onThrow(error, value)
        }
      }
      on(type, guarded)
      return () => {
        isLive = false
        off(type, guarded)
      }
    },
    emit,
    hasHandlers: (type) => Boolean(all.get(type)?.length),
  }
}
