import { badOption, checkOptions } from '../options.js'
import type { RefreshAction, RefreshContext } from './action.js'
import { failure } from './failure.js'
import { checkSelector } from './selector.js'
import { hasUnkeepableState, swap } from './swap.js'
import { fetchContent } from './shared-fetch.js'

export interface ReplaceOptions {
  /** The page or fragment that has the element, relative to the page. @default the page's own address at that time */
  readonly url?: string | undefined
}

/** How often the user is looked at who has begun something that could not be kept, in milliseconds. */
const PAUSE = 250

/** What renews each element at the moment. */
const running = new WeakMap<Element, AbortController>()

/**
 * Fetches the page again, or `url`, and puts the fetched element in the place of the present one. Fields that the user has
 * changed, focus, caret, scroll positions and open `<details>` stay; fetched scripts are not run. An element without an id is
 * found in a fragment that holds nothing else. When the fetch fails, or its answer has no such element, the old one stays.
 *
 * @throws SignalError `bad-option`.
 */
export function replaceElement(target: Element | string, options: ReplaceOptions = {}): RefreshAction {
  checkOptions(options, { url: ['string'] })
  const { url } = options
  let current = typeof target === 'string' ? undefined : target
  const selector = typeof target === 'string' ? checkSelector(target) : idOf(target)
  if (!selector && url === undefined) throw badOption('An element without an id needs an url, of a fragment of its own')

  const find = (): Element | null =>
    current?.isConnected ? current : selector ? document.querySelector(selector) : null

  async function replace({ signal, changedAt }: RefreshContext): Promise<void> {
    const old = find()
    if (!old) throw failure(`There is no element ${selector} on the page`)
    // An answer that was asked for earlier must not come on top of a later one.
    running.get(old)?.abort()
    // What was there already was let through.
    const takesAway = hasUnkeepableState(old) ? () => false : () => hasUnkeepableState(old)
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    running.set(old, controller)
    signal.addEventListener('abort', abort)
    try {
      const content = await fetchContent(
        new URL(url ?? location.href, document.baseURI).href,
        changedAt,
        controller.signal,
      )
      while (takesAway() && !controller.signal.aborted) await pause()
      const present = find()
      if (controller.signal.aborted || !present) return
      const found = selector ? content.querySelector(selector) : onlyChild(content, old.localName)
      if (!found) throw failure('The answer to the refresh does not have the element: is the user signed out?')
      const fresh = document.importNode(found, true)
      if (!swap(present, fresh)) throw failure('The answer to the refresh has no place for what the user has typed')
      if (current) current = fresh
    } catch (error) {
      if (!controller.signal.aborted) throw error
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
  const id = element.getAttribute('id')
  return id ? `#${CSS.escape(id)}` : ''
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE))
}

function onlyChild({ children }: DocumentFragment, localName: string): Element | undefined {
  return children.length === 1 && children[0]?.localName === localName ? children[0] : undefined
}
