import { SignalError } from '../errors.js'
import type { RefreshAction } from './action.js'
import { leaving } from './leave.js'
import { checkSelector } from './selector.js'

/**
 * Submits the page's own filter form, as its first button would; a handler of its `submit` event may do it instead. While it
 * does, the form has the attribute `data-signal-refreshing`: what is sent when a user submits it should not be sent then, or
 * two pages would go on answering each other. A form that is not valid is not submitted.
 *
 * @throws SignalError `bad-option`.
 */
export function submitForm(form: HTMLFormElement | string): RefreshAction {
  if (typeof form === 'string') checkSelector(form)

  return ({ signal }) => {
    const found = typeof form === 'string' ? document.querySelector(form) : form
    if (!(found instanceof HTMLFormElement))
      throw new SignalError('refresh-failed', `There is no form ${String(form)}.`)
    if (!found.noValidate && !found.matches(':valid')) {
      throw new SignalError('refresh-failed', 'The form that refreshes the page is not valid.')
    }
    let isNavigating = false
    const onSubmit = (event: Event): void => {
      isNavigating = !event.defaultPrevented
    }
    addEventListener('submit', onSubmit)
    found.toggleAttribute('data-signal-refreshing', true)
    found.requestSubmit(found.querySelector<HTMLButtonElement>('[type=submit]:enabled, button:not([type]):enabled'))
    found.toggleAttribute('data-signal-refreshing', false)
    removeEventListener('submit', onSubmit)
    return isNavigating ? leaving(signal) : undefined
  }
}
