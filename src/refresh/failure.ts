import { SignalError } from '../errors.js'
import { isPostResult } from '../page/next-page-state.js'

/** The result of an action that stopped because the user had started to edit. */
export const NOT_YET = Symbol('not yet')

let notRepeatable: SignalError | undefined

/** The error of a failed refresh. */
export function failure(reason: string, cause?: unknown): SignalError {
  return new SignalError('refresh-failed', `${reason}.`, cause)
}

/** @throws SignalError `refresh-failed`, always the same object, if only another POST could load this page again. */
export function checkRepeatable(): void {
  if (!isPostResult()) return
  throw (notRepeatable ??= failure('This page is the response to a POST: let the server answer POST with a redirect'))
}
