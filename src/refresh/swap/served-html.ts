import { read } from '../../page/dom.js'
import { copyTokens, withoutTokens } from './tokens.js'

/** The HTML that the server sent for an element. Scripts may have changed the element since. */
const served = new WeakMap<Element, string>()

export function recordServed(element: Element, html: string): void {
  served.set(element, html)
}

/** The HTML of an element without what differs in each response, to be compared. */
export function htmlOf(element: Element): string {
  return withoutTokens(read(element, 'outerHTML')).replace(' aria-busy="true"', '')
}

/** Whether the server sent this HTML for an element before. The element of the page gets the tokens of the fresh one. */
export function isServed(present: Element, fresh: Element, html: string): boolean {
  if (html !== (served.get(present) ?? htmlOf(present))) return false
  copyTokens(fresh, present)
  return true
}
