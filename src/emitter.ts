import mitt from 'mitt'
import type { Stop } from './signals.js'

export interface Emitter<Value> {
  on(type: string, listener: (value: Value) => unknown): Stop
  emit(type: string, value: Value): void
  has(type: string): boolean
  clear(): void
}

/**
 * Listeners that cannot hurt each other: what one throws or rejects with goes to `onThrow`, and the others are called all
 * the same. A listener that was stopped is never called again, not even by the event that is being told.
 */
export function createEmitter<Value>(onThrow: (error: unknown) => void): Emitter<Value> {
  const emitter = mitt<Record<string, Value>>()

  return {
    on(type, listener) {
      let isLive = true
      const guarded = (value: Value): void => {
        if (!isLive) return
        try {
          const result = listener(value)
          if (result instanceof Promise) result.catch(onThrow)
        } catch (error) {
          onThrow(error)
        }
      }
      emitter.on(type, guarded)
      return () => {
        isLive = false
        emitter.off(type, guarded)
      }
    },
    emit: emitter.emit,
    has: (type) => Boolean(emitter.all.get(type)?.length),
    clear: () => emitter.all.clear(),
  }
}
