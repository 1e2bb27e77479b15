/** A target of events whose listeners can be counted, which nobody can ask an EventTarget for. */
export interface CountingTarget extends EventTarget {
  /** How many listeners are registered now: neither removed nor ended by their signal. */
  readonly listeners: number
}

/** @param members Its other members. Like those of a document, all members are members of its prototype. */
export function createCountingTarget(members: object = {}): CountingTarget {
  const target = new EventTarget()
  const registered = new Map<string, Set<unknown>>()
  const { addEventListener: add, removeEventListener: remove } = target

  function forget(type: string, listener: EventListener): void {
    registered.get(type)?.delete(listener)
    remove.call(target, type, listener)
  }

  const counting = {
    addEventListener(type: string, listener: EventListener, { signal }: AddEventListenerOptions = {}) {
      if (signal?.aborted) return
      registered.set(type, (registered.get(type) ?? new Set()).add(listener))
      add.call(target, type, listener)
      signal?.addEventListener('abort', () => forget(type, listener))
    },
    removeEventListener: forget,
  }
  const dispatchEvent = (event: Event): boolean => target.dispatchEvent(event)
  const prototype = Object.defineProperty({ ...members, ...counting, dispatchEvent }, 'listeners', {
    get: () => [...registered.values()].reduce((sum, { size }) => sum + size, 0),
  })
  return Object.create(prototype) as CountingTarget
}
