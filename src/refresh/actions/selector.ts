import { call } from '../../page/dom.js'
import { badOption } from '../../options.js'

/** @throws SignalError `bad-option`, where there is a page to ask. */
export function checkSelector(selector: string): string {
  try {
    if (globalThis.document) call(document, 'querySelector', selector)
  } catch {
    throw badOption(`${JSON.stringify(selector)} is not a selector`)
  }
  return selector
}
