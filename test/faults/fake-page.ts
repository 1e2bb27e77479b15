import { createCountingTarget } from '../support/counting-target.js'

/** What a page has of its browser, all that the life cycle of a connection looks at. All pages of this process share it. */
export interface FakePage {
  /** Something happens to all pages. */
  happen(type: string, on?: 'window' | 'document'): void
  /** Listeners that are not removed. */
  readonly listeners: number
  /** Gives the globals back. */
  remove(): void
}

/** No page replaces its document. */
class IdleObserver {
  observe(): void {}
  disconnect(): void {}
}

/** Makes pages of clients: Node has none. */
export function installFakePage(): FakePage {
  const members = { visibilityState: 'visible', querySelector: () => null }
  const targets = { window: createCountingTarget(), document: createCountingTarget(members) }
  const addEventListener = targets.window.addEventListener.bind(targets.window)
  const removeEventListener = targets.window.removeEventListener.bind(targets.window)
  const listening = { addEventListener, removeEventListener }
  const globals = { ...targets, ...listening, MutationObserver: IdleObserver, navigator: { onLine: true } }
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { configurable: true, writable: true, value })
  }

  return {
    happen: (type, on = 'window') => void targets[on].dispatchEvent(new Event(type)),
    get listeners() {
      return targets.window.listeners + targets.document.listeners
    },
    remove() {
      for (const [name, descriptor] of before) {
        if (descriptor) Object.defineProperty(globalThis, name, descriptor)
        else Reflect.deleteProperty(globalThis, name)
      }
    },
  }
}
