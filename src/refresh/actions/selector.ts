import { call } from '../../page/dom.js'
import { badOption } from '../../option-checks.js'

/** @throws SignalError `bad-option`, if there is a document to check with. */
export function checkSelector(selector: string): string {
  try {
    if (globalThis.document) call(document, 'querySelector', selector)
  } catch {
    throw badOption(`${JSON.stringify(selector)} is not a selector`)
  }
  return selector
}
