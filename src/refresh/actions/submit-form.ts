import { call, read } from '../../page/dom.js'
import { checkOptions } from '../../options.js'
import type { RefreshAction } from '../action.js'
import { checkAllowed, checkOrigins, type OriginOptions } from '../allowed-origin.js'
import { failure } from '../failure.js'
import { waitForNextPage } from '../../page/pending-navigation.js'
import { keepScroll, restoreScroll } from '../../page/scroll.js'
import { checkSelector } from './selector.js'
import { USER_CONTENT } from '../../page/user-content.js'

/**
 * Submits the page's own filter form, as its first button would; a handler of its `submit` event may do it instead. While it
 * does, the form has the attribute `data-signal-refreshing`: what is sent when a user submits it should not be sent then, or
 * two pages would go on answering each other. A form that is not valid is not submitted. The next page
 * is scrolled to where this one was, if it has the same path and calls this too. A form whose action is on another origin
 * than the page and `origins` is not submitted.
 *
 * @throws SignalError `bad-option`.
 */
export function submitForm(form: HTMLFormElement | string, options: OriginOptions = {}): RefreshAction {
  checkOptions(options, { origins: 'object' })
  checkOrigins(options.origins)
  if (typeof form === 'string') checkSelector(form)
  if (globalThis.document) restoreScroll()

  return ({ signal }) => {
    const found = typeof form === 'string' ? call(document, 'querySelector', form) : form
    if (!(found instanceof HTMLFormElement && read(found, 'isConnected')))
      throw failure(`There is no form ${String(form)}`)
    // Not checkValidity(), which makes the page complain of what nobody submitted.
    if (call(found, 'matches', ':invalid:not([novalidate])'))
      throw failure('The form that refreshes the page is not valid')
    const button = ([...read(found, 'elements')] as HTMLButtonElement[]).find(isSubmitting)
    const action = button?.getAttribute('formaction') ?? call(found, 'getAttribute', 'action')
    checkAllowed(new URL(action || location.href, read(document, 'baseURI')), options.origins)
    let isNavigating = false
    const onSubmit = (event: Event): void => {
      isNavigating = !event.defaultPrevented
    }
    addEventListener('submit', onSubmit)
    call(found, 'setAttribute', 'data-signal-refreshing', '')
    call(found, 'requestSubmit', button)
    call(found, 'removeAttribute', 'data-signal-refreshing')
    removeEventListener('submit', onSubmit)
    if (!isNavigating) return undefined
    keepScroll()
    return waitForNextPage('navigate', signal)
  }
}

/** Whether a control submits its form. A button inside user content may belong to any form of the page. */
function isSubmitting(control: HTMLButtonElement): boolean {
  return control.type === 'submit' && !control.disabled && !control.matches(USER_CONTENT)
}
