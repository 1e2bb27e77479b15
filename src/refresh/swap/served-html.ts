import { read } from '../../page/dom.js'
import { copyTokens } from './tokens.js'

/** Hidden fields with another value in each response, as text. */
const TOKENS = /<input\b(?=[^>]*type="hidden")[^>]*name="[^"]*(csrf|token|nonce)[^>]*>/gi

/** The HTML that the server sent for an element. Scripts may have changed the element since. */
const served = new WeakMap<Element, string>()

export function recordServed(element: Element, html: string): void {
  served.set(element, html)
}

/** The HTML of an element without what differs in each response, to be compared. */
export function htmlOf(element: Element): string {
  return read(element, 'outerHTML').replace(TOKENS, '').replace(' aria-busy="true"', '')
}

/** Whether the server sent this HTML for an element before. The element of the page gets the tokens of the fresh one. */
export function isServed(present: Element, fresh: Element, html: string): boolean {
  if (html !== (served.get(present) ?? htmlOf(present))) return false
  copyTokens(fresh, present)
  return true
}
