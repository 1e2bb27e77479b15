import { call, read } from '../../page/dom.js'
import { badOption, checkOptions } from '../../options.js'
import type { RefreshAction, RefreshContext } from '../action.js'
import { checkAllowed, checkOrigins, type OriginOptions } from '../allowed-origin.js'
import { checkRepeatable, failure, NOT_YET } from '../failure.js'
import { checkSelector } from './selector.js'
import { hasUnkeepableState, swap } from '../fetch/swap.js'
import { fetchContent } from '../fetch/shared-fetch.js'

export interface ReplaceOptions extends OriginOptions {
  /** The page or fragment that has the element, relative to the page. @default the page's own address at that time */
  readonly url?: string | undefined
}

/** What renews each element at the moment. */
const running = new WeakMap<Element, AbortController>()

/**
 * Fetches the page again, or `url`, and puts the fetched element in the place of the present one. Fields that the user has
 * changed, focus, caret, scroll positions and open `<details>` stay; fetched scripts are not run. An element that is given
 * itself is found by its id. An address on another origin than the page and `origins` is not fetched, and `data-signal-*`
 * attributes of another origin's HTML are left out. When the fetch fails, or its answer has no such element, the old one stays. Without `url` it fails on a page
 * that is the answer to a form: its address alone would bring another page.
 *
 * @throws SignalError `bad-option`.
 */
export function replaceElement(target: Element | string, options: ReplaceOptions = {}): RefreshAction {
  checkOptions(options, { url: 'string', origins: 'object' })
  checkOrigins(options.origins)
  const selector = checkSelector(typeof target === 'string' ? target : idOf(target))
  const find = (): Element | null => call(document, 'querySelector', selector)

  async function replace({ signal, changedAt }: RefreshContext): Promise<unknown> {
    if (options.url === undefined) checkRepeatable()
    const old = find()
    if (!old) throw failure(`There is no element ${selector} on the page`)
    // An answer that was asked for earlier must not come on top of a later one.
    running.get(old)?.abort()
    // What is there already was let through.
    const isForced = hasUnkeepableState(old)
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    running.set(old, controller)
    signal.addEventListener('abort', abort)
    try {
      const url = new URL(options.url ?? location.href, read(document, 'baseURI'))
      checkAllowed(url, options.origins)
      const content = await fetchContent(url.href, changedAt, controller.signal)
      const present = find()
      controller.signal.throwIfAborted()
      if (!present) return undefined
      if (!isForced && hasUnkeepableState(present)) return NOT_YET
      const found = content.querySelector(selector)
      if (!found) throw failure('The answer to the refresh does not have the element: is the user signed out?')
      if (swap(present, call(document, 'importNode', found, true) as Element)) return undefined
      throw failure('The answer to the refresh has no place for what the user has typed')
    } catch (error) {
      // Another one does it who has overtaken it; nobody, after `stop()`.
      if (controller.signal.aborted && !signal.aborted) return undefined
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  return Object.assign(replace, {
    target: find,
    guard() {
      const old = find()
      return Boolean(old && hasUnkeepableState(old))
    },
  })
}

/** A selector by the attribute: a form with a field called "id" has another property. */
function idOf(element: Element): string {
  const id = call(element, 'getAttribute', 'id')
  if (!id) throw badOption('An element that is replaced needs an id')
  return `#${CSS.escape(id)}`
}
