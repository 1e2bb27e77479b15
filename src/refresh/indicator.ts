import { notify, type NoticeEntry, type RefreshTexts } from './notice.js'
import type { Hold, RefreshPhase } from './scheduler.js'

/** What takes less time than this, in milliseconds, is not shown. */
const PATIENCE = 200

const TEXTS: RefreshTexts = {
  changed: 'This page has changed.',
  refresh: 'Refresh now',
  failed: 'This page could not be refreshed.',
  retry: 'Try again',
}

export interface IndicatorOptions {
  /** The element that is busy. */
  readonly target: () => Element | null | undefined
  readonly refresh: () => void
  readonly texts?: Partial<RefreshTexts> | undefined
}

export interface Indicator {
  show(phase: RefreshPhase, hold?: Hold): void
  stop(): void
}

/** Shows on the page what a refresh is doing. A failure stays until the next success. */
export function createIndicator({ target, refresh, texts }: IndicatorOptions): Indicator {
  const owner = {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let busy: Element | null | undefined

  function calm(): void {
    clearTimeout(timer)
    busy?.removeAttribute('aria-busy')
    busy = undefined
  }

  function say(state?: NoticeEntry['state']): void {
    notify(owner, state && { state, texts: { ...TEXTS, ...texts }, refresh })
  }

  return {
    show(phase, hold) {
      // More may come while it runs.
      if (phase === 'dirty') return
      calm()
      if (phase === 'held' && hold === 'guard') timer = setTimeout(say, PATIENCE, 'held')
      else if (phase === 'running') {
        timer = setTimeout(() => {
          busy = target()
          busy?.setAttribute('aria-busy', 'true')
          say('busy')
        }, PATIENCE)
      } else if (phase === 'failed') say('failed')
      else if (phase === 'done') say()
    },
    stop() {
      calm()
      say()
    },
  }
}
