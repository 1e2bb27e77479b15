import { call, read } from '../../page/dom.js'
import { isPostResult } from '../../page/next-page-state.js'
import { USER_CONTENT } from '../../page/user-content.js'
import type { RefreshContext } from '../action.js'
import { checkAllowed } from '../allowed-origin.js'
import { failure } from '../failure.js'
import { type ContentRequest, fetchContent, type FetchOptions } from '../fetch/fetch-content.js'
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

/**
 * Fetches what a submit of the form would show; the form gets the fresh tokens. A form that posts gets those of a fresh page
 * before: its own may have expired, or belong to an earlier request.
 */
export async function loadByForm(
  ready: ReadyForm,
  options: FetchOptions,
  refresh: Pick<RefreshContext, 'changedAt' | 'signal'>,
  signal: AbortSignal,
): Promise<ParentNode> {
  const { form, isPost } = ready
  async function load(request: ContentRequest): Promise<ParentNode> {
    const content = await fetchContent(request, refresh, signal, options)
    takeTokens(form, content)
    return content
  }

  if (isPost && tokensOf(form)[0]) {
    await load({ url: location.href }).catch((error: unknown) => {
      // The address of a page that came by a POST may have no page of its own.
      if (!isPostResult()) throw error
    })
  }
  return load(requestOf(ready))
}

/** The request that a submit of the form makes. */
function requestOf({ form, button, url, isPost }: ReadyForm): ContentRequest {
  // Handlers of the event `formdata` see that the user does not submit the form.
  call(form, 'setAttribute', 'data-signal-refreshing', '')
  const data = new FormData(form, button)
  call(form, 'removeAttribute', 'data-signal-refreshing')
  const texts = new URLSearchParams(
    [...data].map(([name, value]) => [name, typeof value === 'string' ? value : value.name]),
  )
  if (isPost) return { url: url.href, body: call(form, 'matches', '[enctype^=multipart]') ? data : texts }
  url.search = texts.toString()
  return { url: url.href }
}

/** Gives a form the tokens of its fresh version: of the form with the same address at the same place among those. */
function takeTokens(form: HTMLFormElement, content: ParentNode): void {
  const action = call(form, 'getAttribute', 'action')
  const selector = action === null ? 'form:not([action])' : `form[action=${JSON.stringify(action)}]`
  const index = [...call(document, 'querySelectorAll', selector)].indexOf(form)
  const fresh = content.querySelectorAll(selector)[index]
  if (fresh) copyTokens(fresh, form)
}

/** Whether a control submits its form. A button inside user content may belong to any form of the page. */
function isSubmitting(control: HTMLButtonElement): boolean {
  return control.type === 'submit' && !control.disabled && !control.matches(USER_CONTENT)
}
