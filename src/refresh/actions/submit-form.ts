import { call, read } from '../../page/dom.js'
import { checkOptions } from '../../option-checks.js'
import type { RefreshAction } from '../action.js'
import { checkAllowed, checkOrigins, type OriginOptions } from '../allowed-origin.js'
import { failure } from '../failure.js'
import { waitForNextPage } from '../../page/pending-navigation.js'
import { keepScroll, restoreScroll } from '../../page/scroll.js'
import { checkSelector } from './selector.js'
import { USER_CONTENT } from '../../page/user-content.js'

/**
 * Submits the page's own filter form, as its first button would; a handler of its `submit` event may take over. During the
 * submit the form has the attribute `data-signal-refreshing`. A handler that sends signals should skip such a submit, or
 * two pages could trigger each other for ever. The action does not submit an invalid form, nor one whose action is on
 * another origin than the page and `origins`. The next page keeps the scroll position if it has the same path and calls
 * this function too.
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
    // checkValidity() would show error messages although the user did not submit the form.
    if (call(found, 'matches', ':invalid:not([novalidate])')) throw failure('The form to submit is not valid')
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
