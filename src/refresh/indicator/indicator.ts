import { call } from '../../page/dom.js'
import { notify, type RefreshTexts } from './notice.js'
import type { Hold, RefreshPhase } from '../scheduler.js'

/** What takes less time than this, in milliseconds, is not shown. */
const PATIENCE = 200

export interface IndicatorOptions {
  /** The element that is busy. */
  readonly target: () => Element | null | undefined
  readonly refresh: (at: number) => void
  readonly texts?: Partial<RefreshTexts> | undefined
}

/** Shows on the page what a refresh is doing. A failure stays until the next success. */
export function createIndicator({ target, refresh, texts = {} }: IndicatorOptions) {
  const { changed = 'This page has changed.', refresh: label = 'Refresh now' } = texts
  const { failed = 'This page could not be refreshed.', retry = 'Try again' } = texts
  const owner = {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let busy: Element | null | undefined

  return (phase: RefreshPhase, hold?: Hold): void => {
    // More may come while it runs.
    if (phase === 'dirty') return
    clearTimeout(timer)
    if (busy) call(busy, 'removeAttribute', 'aria-busy')
    if (phase === 'done') notify(owner)
    if (phase === 'failed') notify(owner, { state: phase, text: failed, label: retry, refresh })
    // Nobody is to click who is waiting for another page.
    if (hold === 'leaving') notify(owner)
    if (hold === 'guard') notify(owner, { state: 'held', text: changed, label, refresh })
    if (phase === 'running') {
      timer = setTimeout(() => {
        busy = target()
        if (busy) call(busy, 'setAttribute', 'aria-busy', 'true')
        notify(owner, { state: 'busy', refresh })
      }, PATIENCE)
    }
  }
}
