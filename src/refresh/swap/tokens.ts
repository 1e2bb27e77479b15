import { call } from '../../page/dom.js'
import { TOKEN } from './identity.js'

/** The hidden fields of an element with another value in each response. */
export function tokensOf(element: Element): HTMLInputElement[] {
  const hidden = call(element, 'querySelectorAll', '[type=hidden]') as Iterable<HTMLInputElement>
  return [...hidden].filter(({ name }) => TOKEN.test(name))
}

export function copyTokens(from: Element, to: Element): void {
  const fields = tokensOf(to)
  tokensOf(from).forEach(({ value }, index) => Object.assign(fields[index] ?? {}, { value }))
}
