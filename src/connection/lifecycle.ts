import { keepListening } from '../page/keep-listening.js'
import type { Stop } from '../signals.js'
import { CLOCK_INTERVAL, CLOCK_LEAP, NETWORK_SETTLES } from './timing.js'

export interface LifecycleActions {
  /** The browser freezes the page or puts it into the back/forward cache. */
  readonly suspend: (reason: string) => void
  /**
   * The page is back or in use, or the network has changed: connect, or check the connection if nothing arrived for `quiet`
   * milliseconds.
   */
  readonly wake: (quiet: number) => void
  /** The browser reports that the network is gone: check the connection if there is one. */
  readonly doubt: () => void
  /** A content policy forbids an address, which the browser may cut down to its scheme. */
  readonly block: (address: string) => void
}

interface NetworkInformation extends EventTarget {
  readonly type?: string
}

/** Whether the tab of the page is hidden. */
export function isHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}

/** Translates events of the page and the network into actions of the connection. A worker has the content policy only. */
export function watchLifecycle({ suspend, wake, doubt, block }: LifecycleActions): Stop {
  const ofPage = {
    pagehide: () => suspend('pagehide'),
    freeze: () => suspend('freeze'),
    pageshow: ({ persisted }: PageTransitionEvent) => persisted && wake(0),
    resume: () => wake(0),
    prerenderingchange: () => wake(0),
    online: () => wake(0),
    // `offline` is unreliable: ping the connection instead of closing it.
    offline: doubt,
    visibilitychange() {
      startClock()
      if (!isHidden()) wake(5000)
    },
    // Elements get the focus, too.
    focus: ({ target }: FocusEvent) => (target as Partial<Node>).nodeType || wake(15_000),
  }
  const unlisten = listen({
    securitypolicyviolation: ({ disposition, blockedURI }: SecurityPolicyViolationEvent) =>
      disposition !== 'report' && blockedURI && block(blockedURI),
    ...(globalThis.document && ofPage),
  })
  if (!globalThis.document) return unlisten
  // Some browsers lack it, and `change` also reports a change of speed.
  const network = (navigator as { readonly connection?: NetworkInformation }).connection
  let networkType = network?.type
  let settling: ReturnType<typeof setTimeout> | undefined
  let clock: ReturnType<typeof setInterval> | undefined

  /** A hidden page needs no clock: the connection is checked when the page is seen again. */
  function startClock(): void {
    clearInterval(clock)
    if (isHidden()) return
    let seenAt = Date.now()
    clock = setInterval(() => {
      const hasSlept = Date.now() - seenAt > CLOCK_LEAP
      seenAt = Date.now()
      if (hasSlept) wake(0)
    }, CLOCK_INTERVAL)
  }

  function onNetwork(): void {
    if (network?.type === networkType) return
    networkType = network?.type
    clearTimeout(settling)
    settling = setTimeout(wake, NETWORK_SETTLES, 0)
  }

  startClock()
  network?.addEventListener('change', onNetwork)

  return () => {
    unlisten()
    network?.removeEventListener('change', onNetwork)
    clearTimeout(settling)
    clearInterval(clock)
  }
}

/** Listens on the window or the worker, by type; events of the document pass the window, too. */
function listen(listeners: Readonly<Record<string, (event: never) => unknown>>): Stop {
  const end = new AbortController()
  const entries = Object.entries(listeners) as [string, EventListener][]
  keepListening(() => entries.forEach((entry) => globalThis.addEventListener?.(...entry, true)), end.signal)
  return () => {
    end.abort()
    entries.forEach((entry) => globalThis.removeEventListener?.(...entry, true))
  }
}
