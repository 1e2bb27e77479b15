import { createCountingTarget } from '../support/counting-target.js'
import { AsyncLocalStorage } from 'node:async_hooks'

/** What a page's own code finds in its browser, and what the browser can do to it. There is no browser here. */
export interface BrowserContext {
  /** Runs code of this page: whatever it leads to, by promises and timers, is code of this page as well. */
  run<Result>(call: () => Result): Result
  /** Something happens to the page. */
  happen(type: string, on: 'window' | 'document', more?: object): void
  /** Puts the page aside, or brings it back: its timers stand still meanwhile. */
  hold(isHeld: boolean): void
  /** Listeners on the page that are not removed. */
  readonly listeners: number
  /** Timers of the page that are not due at once. */
  readonly timers: number
}

interface ContextOptions {
  /** When the page's own clock began, by the clock of everybody. */
  readonly origin: number
  /** What all pages of a tab share. */
  readonly storage: Map<string, string>
  readonly onStore: () => void
  /** A request of the page; nobody waits for the answer. */
  readonly onPost: (body: string) => void
}

interface Held {
  readonly globals: Readonly<Record<string, unknown>>
  readonly timers: Map<unknown, number>
  readonly waiting: (() => void)[]
  isHeld: boolean
}

export interface FakeBrowser {
  open(options: ContextOptions): BrowserContext
  /** The page whose code is running. */
  readonly current: BrowserContext | undefined
  /** Runs what is no page's doing, whoever caused it. */
  outside<Result>(call: () => Result): Result
}

const GLOBALS = [
  'window',
  'document',
  'addEventListener',
  'removeEventListener',
  'MutationObserver',
  'navigator',
  'location',
  'sessionStorage',
  'fetch',
  'performance',
] as const

// One for all fake browsers: each costs every promise of the process a little.
const asking = new AsyncLocalStorage<Held | undefined>()
let stored: [string, PropertyDescriptor | undefined][] = []
let pages = 1_000_000

/** Gives the globals back. */
export function removeFakeBrowser(): void {
  for (const [name, descriptor] of stored) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor)
    else Reflect.deleteProperty(globalThis, name)
  }
  stored = []
}

/** Makes the globals of a browser depend on whose code asks; to be called when time is virtual already. */
export function installFakeBrowser(): FakeBrowser {
  removeFakeBrowser()
  const contexts = new Map<Held, BrowserContext>()
  const owners = new Map<unknown, Held>()
  const { setTimeout: later, setInterval: often, clearTimeout: never, clearInterval: stop } = globalThis

  function define(name: string, descriptor: PropertyDescriptor): void {
    stored.push([name, Object.getOwnPropertyDescriptor(globalThis, name)])
    Object.defineProperty(globalThis, name, { configurable: true, enumerable: true, ...descriptor })
  }

  for (const name of GLOBALS) {
    const theirs: unknown = Reflect.get(globalThis, name)
    define(name, {
      get() {
        const held = asking.getStore()
        return held ? held.globals[name] : theirs
      },
      // A test may replace them meanwhile.
      set: () => undefined,
    })
  }

  function arrange(set: typeof setTimeout | typeof setInterval, isOnce: boolean) {
    return (call: (...rest: unknown[]) => void, delay = 0, ...rest: unknown[]): unknown => {
      const held = asking.getStore()
      if (!held) return set(call, delay, ...rest)
      const timer: unknown = set(() => {
        if (isOnce) forget(timer)
        const ring = (): void => asking.run(held, call, ...rest)
        if (!held.isHeld) ring()
        else if (isOnce) held.waiting.push(ring)
      }, delay)
      held.timers.set(timer, delay)
      owners.set(timer, held)
      return timer
    }
  }

  function forget(timer: unknown): void {
    owners.get(timer)?.timers.delete(timer)
    owners.delete(timer)
  }

  function cancel(clear: typeof clearTimeout | typeof clearInterval) {
    return (timer: unknown): void => {
      forget(timer)
      clear(timer as NodeJS.Timeout)
    }
  }

  define('setTimeout', { writable: true, value: arrange(later, true) })
  define('setInterval', { writable: true, value: arrange(often, false) })
  define('clearTimeout', { writable: true, value: cancel(never) })
  define('clearInterval', { writable: true, value: cancel(stop) })

  function open({ origin, storage, onStore, onPost }: ContextOptions): BrowserContext {
    const window = createCountingTarget()
    const document = createCountingTarget({ visibilityState: 'visible', querySelector: () => null })
    const clock = performance
    const held: Held = {
      timers: new Map(),
      waiting: [],
      isHeld: false,
      globals: {
        window,
        document,
        addEventListener: window.addEventListener.bind(window),
        removeEventListener: window.removeEventListener.bind(window),
        // No page of the model replaces its document.
        MutationObserver: class {
          observe(): void {}
          disconnect(): void {}
        },
        navigator: {},
        location: new URL('http://relay.test/'),
        // No two pages begin at once.
        performance: { now: () => clock.now() - origin, timeOrigin: (pages += 1), getEntriesByType: () => [] },
        sessionStorage: {
          get length() {
            return storage.size
          },
          key: (index: number) => [...storage.keys()][index] ?? null,
          getItem: (key: string) => storage.get(key) ?? null,
          removeItem: (key: string) => void storage.delete(key),
          setItem(key: string, value: string) {
            storage.set(key, value)
            onStore()
          },
        },
        fetch(_url: string, { body }: { body?: string }) {
          if (body !== undefined) asking.run(undefined, onPost, body)
          return Promise.reject(new TypeError('The page is gone.'))
        },
      },
    }
    const run = <Result>(call: () => Result): Result => asking.run(held, call)
    const context: BrowserContext = {
      run,
      happen(type, on, more = {}) {
        // Events of the document pass the window first.
        for (const target of on === 'window' ? [window] : [window, document]) {
          run(() => target.dispatchEvent(Object.assign(new Event(type), more)))
        }
      },
      hold(isHeld) {
        held.isHeld = isHeld
        if (!isHeld) for (const ring of held.waiting.splice(0)) ring()
      },
      get listeners() {
        return window.listeners + document.listeners
      },
      get timers() {
        return [...held.timers.values()].filter((delay) => delay > 0).length
      },
    }
    contexts.set(held, context)
    return context
  }

  return {
    open,
    get current() {
      const held = asking.getStore()
      return held && contexts.get(held)
    },
    outside: (call) => asking.run(undefined, call),
  }
}
