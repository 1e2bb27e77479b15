import { call, read } from '../../page/dom.js'
import { isPostResult } from '../../page/next-page-state.js'
import { USER_CONTENT } from '../../page/user-content.js'
import { checkAllowed } from '../allowed-origin.js'
import { failure } from '../failure.js'
import { type ContentRequest, fetchContent, type FetchOptions } from '../fetch/shared-fetch.js'
import { copyTokens, tokensOf } from '../swap/tokens.js'

/** A form that can be submitted, and its first button. */
export interface ReadyForm {
  readonly form: HTMLFormElement
  readonly button: HTMLButtonElement | undefined
  /** The address that it is submitted to. */
  readonly url: URL
  readonly isPost: boolean
}

/** @throws SignalError `refresh-failed` if there is no such form, or it is not valid or belongs to another origin. */
export function findReadyForm(wanted: HTMLFormElement | string, origins: readonly string[] | undefined): ReadyForm {
  const form = typeof wanted === 'string' ? call(document, 'querySelector', wanted) : wanted
  if (!(form instanceof HTMLFormElement && read(form, 'isConnected')))
    throw failure(`There is no form ${String(wanted)}`)
  // checkValidity() would show error messages although the user did not submit the form.
  if (call(form, 'matches', ':invalid:not([novalidate])')) throw failure('The form to submit is not valid')
  const button = ([...read(form, 'elements')] as HTMLButtonElement[]).find(isSubmitting)
  const attribute = (name: string): string =>
    button?.getAttribute(`form${name}`) ?? call(form, 'getAttribute', name) ?? ''
  const url = new URL(attribute('action') || location.href, read(document, 'baseURI'))
  checkAllowed(url, origins)
  return { form, button, url, isPost: attribute('method').toLowerCase() === 'post' }
}

/** Fetches what a submit of the form would show; the form gets the fresh tokens. */
export async function loadByForm(
  ready: ReadyForm,
  options: FetchOptions,
  changedAt: number,
  signal: AbortSignal,
): Promise<ParentNode> {
  await renewTokens(ready, changedAt, signal, options)
  const content = await fetchContent(requestOf(ready), changedAt, signal, options)
  takeTokens(ready.form, content)
  return content
}

/** The request that a submit of the form makes. */
function requestOf({ form, button, url, isPost }: ReadyForm): ContentRequest {
  // Handlers of the event `formdata` see that the user does not submit the form.
  call(form, 'setAttribute', 'data-signal-refreshing', '')
  const data = new FormData(form, button)
  call(form, 'removeAttribute', 'data-signal-refreshing')
  const texts = new URLSearchParams([...data].map(([name, value]) => [name, String(value)]))
  if (isPost) return { url: url.href, body: call(form, 'matches', '[enctype^=multipart]') ? data : texts }
  url.search = texts.toString()
  return { url: url.href }
}

/** Gives a form that posts the tokens of a fresh page: its own may have expired or belong to an earlier request. */
async function renewTokens(
  { form, isPost }: ReadyForm,
  changedAt: number,
  signal: AbortSignal,
  options: FetchOptions,
): Promise<void> {
  if (!isPost || tokensOf(form).length === 0) return
  try {
    takeTokens(form, await fetchContent({ url: location.href }, changedAt, signal, options))
  } catch (error) {
    // The address of a page that came by a POST may have no page of its own.
    if (!isPostResult()) throw error
  }
}

/** Gives a form the tokens of its fresh version, if the content has one. */
function takeTokens(form: HTMLFormElement, content: ParentNode): void {
  const selector = ['id', 'name', 'action']
    .filter((name) => call(form, 'hasAttribute', name))
    .map((name) => `[${name}=${JSON.stringify(call(form, 'getAttribute', name))}]`)
  const fresh = content.querySelector(`form${selector.join('')}`)
  if (fresh) copyTokens(fresh, form)
}

/** Whether a control submits its form. A button inside user content may belong to any form of the page. */
function isSubmitting(control: HTMLButtonElement): boolean {
  return control.type === 'submit' && !control.disabled && !control.matches(USER_CONTENT)
}
