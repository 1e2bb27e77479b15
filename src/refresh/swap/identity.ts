import { call } from '../../page/dom.js'

/** Attributes that tell records apart. */
const ATTRIBUTES = /^(name|href|action|formaction|data-.*)$/

/** The types of elements whose value comes from the server only. */
const FIXED_VALUE = /^(hidden|checkbox|radio|submit|button)$/

/** The names of hidden fields with another value in each response. */
export const TOKEN = /csrf|token|nonce/i

/** The links, values and data of an element, as a text. Attributes that `isServed` refuses were set by scripts. */
export function identityOf(element: Element, isServed: (attribute: string) => boolean): string {
  const { type } = element as Partial<HTMLInputElement>
  if (element.localName === 'details') return summaryOf(element)
  if (TOKEN.test(call(element, 'getAttribute', 'name') ?? '')) return ''
  const names = call(element, 'getAttributeNames').filter((name) => ATTRIBUTES.test(name) && isServed(name))
  if (FIXED_VALUE.test(String(type)) && call(element, 'hasAttribute', 'value')) names.push('value')
  return names.map((name) => `${name}=${call(element, 'getAttribute', name)}`).join()
}

/** The summary without its numbers, which often count the content. */
function summaryOf(details: Element): string {
  return call(details, 'querySelector', 'summary')?.textContent?.replace(/\d+/g, '') ?? ''
}
