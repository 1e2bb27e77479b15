import { call } from '../../page/dom.js'
import { isToken } from './tokens.js'

/** Attributes that tell records apart. */
const ATTRIBUTES = /^(name|href|action|formaction|data-.*)$/

/** The types of elements whose value comes from the server only. */
const FIXED_VALUE = /^(hidden|checkbox|radio|submit|button)$/

/** The links, values and data of an element, as a text. Attributes that are not `served` were set by scripts. */
export function identityOf(element: Element, served: ReadonlySet<string>): string {
  const { type } = element as Partial<HTMLInputElement>
  if (element.localName === 'details') return summaryOf(element)
  if (isToken(element)) return ''
  const isIdentity = (name: string): boolean =>
    served.has(name) && (name === 'value' ? FIXED_VALUE.test(String(type)) : ATTRIBUTES.test(name))
  const names = call(element, 'getAttributeNames').filter(isIdentity)
  return names.map((name) => `${name}=${call(element, 'getAttribute', name)}`).join()
}

/** The summary without its numbers, which often count the content. */
function summaryOf(details: Element): string {
  return call(details, 'querySelector', 'summary')?.textContent?.replace(/\d+/g, '') ?? ''
}
