import mitt from 'mitt'
import type { Stop } from './signals.js'

export interface Emitter<Events> {
  on<Type extends keyof Events>(type: Type, listener: (value: Events[Type]) => unknown): Stop
  emit<Type extends keyof Events>(type: Type, value: Events[Type]): void
  /** Whether anybody would hear an event of this type. */
  hears(type: keyof Events): boolean
}

/**
 * Listeners that cannot hurt each other: what one throws or rejects with goes to `onThrow`, with what it was told, and the
 * others are called all the same. A listener that was stopped is never called again, not even by the event that is being told.
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
          // Whatever can be awaited, also of another window or of a library.
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
    hears: (type) => Boolean(all.get(type)?.length),
  }
}
