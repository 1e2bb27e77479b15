import { call } from '../../page/dom.js'
import { showNotice, type RefreshTexts } from './notice.js'
import type { Hold, RefreshPhase } from '../scheduler.js'

/** A shorter refresh shows no indicator (ms). */
const SHOW_DELAY = 200

export interface IndicatorOptions {
  /** The element that gets `aria-busy`. */
  readonly target: () => Element | null | undefined
  readonly refresh: (at: number) => void
  readonly texts?: Partial<RefreshTexts> | undefined
}

/** Shows the phase of a refresh on the page. A failure stays until the next success. */
export function createIndicator({ target, refresh, texts = {} }: IndicatorOptions) {
  const { changed = 'This page has changed.', refresh: label = 'Refresh now' } = texts
  const { loss = 'A refresh would discard your changes.', discard = 'Refresh anyway' } = texts
  const { failed = 'This page could not be refreshed.', retry = 'Try again' } = texts
  const owner = {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let busy: Element | null | undefined

  return (phase: RefreshPhase, hold?: Hold): void => {
    // More signals may arrive during a run.
    if (phase === 'dirty') return
    clearTimeout(timer)
    if (busy) call(busy, 'removeAttribute', 'aria-busy')
    if (phase === 'done') showNotice(owner)
    if (phase === 'failed') showNotice(owner, { state: phase, text: failed, label: retry, refresh })
    // Hide the hint while another page is loading.
    if (hold === 'leaving') showNotice(owner)
    if (hold === 'guard') showNotice(owner, { state: 'held', text: changed, label, refresh })
    if (hold === 'loss') showNotice(owner, { state: hold, text: `${changed} ${loss}`, label: discard, refresh })
    if (phase === 'running') {
      timer = setTimeout(() => {
        busy = target()
        if (busy) call(busy, 'setAttribute', 'aria-busy', 'true')
        showNotice(owner, { state: 'busy', refresh })
      }, SHOW_DELAY)
    }
  }
}
