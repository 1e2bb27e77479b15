import type { RefreshAction } from './action.js'
import { failure } from './failure.js'
import { leaving } from './leave.js'
import { keepScroll, restoreScroll } from './scroll.js'
import { checkSelector } from './selector.js'

/**
 * Submits the page's own filter form, as its first button would; a handler of its `submit` event may do it instead. While it
 * does, the form has the attribute `data-signal-refreshing`: what is sent when a user submits it should not be sent then, or
 * two pages would go on answering each other. A form that is not valid is not submitted. The next page
 * is scrolled to where this one was, if it has the same path and calls this too.
 *
 * @throws SignalError `bad-option`.
 */
export function submitForm(form: HTMLFormElement | string): RefreshAction {
  if (typeof form === 'string') checkSelector(form)
  if (globalThis.document) restoreScroll()

  return ({ signal }) => {
    const found = typeof form === 'string' ? document.querySelector(form) : form
    if (!(found instanceof HTMLFormElement && found.isConnected)) throw failure(`There is no form ${String(form)}`)
    // Not checkValidity(), which makes the page complain of what nobody submitted.
    if (found.matches(':invalid:not([novalidate])')) throw failure('The form that refreshes the page is not valid')
    const buttons = [...found.elements] as HTMLButtonElement[]
    let isNavigating = false
    const onSubmit = (event: Event): void => {
      isNavigating = !event.defaultPrevented
    }
    addEventListener('submit', onSubmit)
    found.toggleAttribute('data-signal-refreshing', true)
    found.requestSubmit(buttons.find(({ type, disabled }) => type === 'submit' && !disabled))
    found.toggleAttribute('data-signal-refreshing', false)
    removeEventListener('submit', onSubmit)
    if (!isNavigating) return undefined
    keepScroll()
    return leaving('navigate', signal)
  }
}
