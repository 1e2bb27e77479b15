import { call } from '../../page/dom.js'

/** The names of hidden fields with another value in each response. */
const NAME = /csrf|token|nonce/i

/** The same fields in serialized HTML. */
const HTML = /<input\b(?=[^>]*type="hidden")[^>]*name="[^"]*(csrf|token|nonce)[^>]*>/gi

/** Whether an element has the name of a token. */
export function isToken(element: Element): boolean {
  return NAME.test(String(call(element, 'getAttribute', 'name')))
}

export function tokensOf(element: Element): HTMLInputElement[] {
  return [...(call(element, 'querySelectorAll', '[type=hidden]') as Iterable<HTMLInputElement>)].filter(isToken)
}

/** Removes the hidden fields with tokens from serialized HTML. */
export function withoutTokens(html: string): string {
  return html.replace(HTML, '')
}

/** Gives the tokens of an element to the same fields of another one. */
export function copyTokens(from: Element, to: Element): void {
  const fields = tokensOf(to)
  tokensOf(from).forEach(({ name, value }, index) => {
    const field = fields[index]
    if (field?.name === name) field.value = value
  })
}
