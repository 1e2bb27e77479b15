import { call } from '../../page/dom.js'
import { checkOptions } from '../../option-checks.js'
import type { RefreshAction } from '../action.js'
import { checkOrigins, type OriginOptions } from '../allowed-origin.js'
import { NOT_YET } from '../failure.js'
import type { FetchOptions } from '../fetch/fetch-content.js'
import { editedFields } from '../../page/edits.js'
import { waitForNextPage } from '../../page/pending-navigation.js'
import { keepScroll, restoreScroll } from '../../page/scroll.js'
import { findReadyForm, loadByForm } from './form-request.js'
import { checkSelector } from './selector.js'

export interface SubmitOptions extends OriginOptions, FetchOptions {}

/**
 * Submits the page's own filter form, as its first button would; a handler of its `submit` event may take over. During the
 * submit the form has the attribute `data-signal-refreshing`. A handler that sends signals should skip such a submit, or
 * two pages could trigger each other for ever. The action does not submit an invalid form, nor one whose action is on
 * another origin than the page and `origins`. A form that posts gets fresh tokens first, and its response is fetched: if
 * that is an error or another page, this page stays. The next page keeps the scroll position if it has the same path and
 * calls this function too.
 *
 * @throws SignalError `bad-option`.
 */
export function submitForm(form: HTMLFormElement | string, options: SubmitOptions = {}): RefreshAction {
  checkOptions(options, { origins: 'object', headers: 'object', fetch: 'function' })
  checkOrigins(options.origins)
  if (typeof form === 'string') checkSelector(form)
  if (globalThis.document) restoreScroll()

  return async (context) => {
    const { signal } = context
    const ready = findReadyForm(form, options.origins)
    // A response that is no page must not take the place of this one.
    const edited = editedFields().length
    if (ready.isPost) await loadByForm(ready, options, context, signal)
    signal.throwIfAborted()
    // The user has started to edit meanwhile.
    if (editedFields().length > edited) return NOT_YET
    let isNavigating = false
    const onSubmit = (event: Event): void => {
      isNavigating = !event.defaultPrevented
    }
    addEventListener('submit', onSubmit)
    call(ready.form, 'setAttribute', 'data-signal-refreshing', '')
    call(ready.form, 'requestSubmit', ready.button)
    call(ready.form, 'removeAttribute', 'data-signal-refreshing')
    removeEventListener('submit', onSubmit)
    if (!isNavigating) return undefined
    keepScroll()
    return waitForNextPage('navigate', signal)
  }
}
