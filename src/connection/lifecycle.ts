import type { Stop } from '../signals.js'

/** Every so often the clock is looked at; a leap means that the machine slept. Both in milliseconds. */
const CLOCK_INTERVAL = 5000
const CLOCK_LEAP = 15_000

export interface LifecycleActions {
  /** The browser puts the page aside: into its cache, or frozen. */
  readonly suspend: (reason: string) => void
  /** The page is back, or the network is: dial if there is no connection, else see whether it lives. */
  readonly wake: () => void
  /** See whether the connection lives, if nothing came for `quiet` milliseconds. */
  readonly probe: (quiet: number) => void
}

interface NetworkInformation extends EventTarget {
  readonly type?: string
}

/** Whether the page is in a tab that nobody sees. */
export function isHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}

/** Turns what happens to a page into what its connection should do. Where there is no page, nothing happens. */
export function watchLifecycle({ suspend, wake, probe }: LifecycleActions): Stop {
  const page = globalThis.document
  if (!page) return () => undefined
  const stops: Stop[] = []
  // Not in every browser, and `change` tells more than changes of the network.
  const network = (navigator as { readonly connection?: NetworkInformation }).connection
  let networkType = network?.type
  let seenAt = Date.now()

  function on(target: EventTarget | undefined, types: string, listener: (event: Event) => void): void {
    for (const type of types.split(' ')) {
      target?.addEventListener(type, listener)
      stops.push(() => target?.removeEventListener(type, listener))
    }
  }

  on(globalThis.window, 'pagehide', () => suspend('pagehide'))
  on(page, 'freeze', () => suspend('freeze'))
  on(globalThis.window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && wake())
  on(globalThis.window, 'online', wake)
  on(page, 'resume prerenderingchange', wake)
  on(page, 'visibilitychange', () => {
    if (!isHidden()) probe(5000)
  })
  on(globalThis.window, 'focus', () => probe(15_000))
  // It may be wrong: the line is asked, never closed, and dialing goes on.
  on(globalThis.window, 'offline', () => probe(0))
  on(network, 'change', () => {
    if (network?.type !== networkType) probe(1000)
    networkType = network?.type
  })
  const clock = setInterval(() => {
    const slept = Date.now() - seenAt - CLOCK_INTERVAL > CLOCK_LEAP
    seenAt = Date.now()
    if (slept && !isHidden()) wake()
  }, CLOCK_INTERVAL)
  stops.push(() => clearInterval(clock))

  return () => {
    for (const stop of stops) stop()
  }
}
