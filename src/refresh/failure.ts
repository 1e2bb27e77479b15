import { SignalError } from '../errors.js'
import { isPostResult } from '../page/page-state.js'

/** What an action returns that has not done it, because the user has begun something meanwhile. */
export const NOT_YET = Symbol('not yet')

let notRepeatable: SignalError | undefined

/** The error of a refresh that did not come about. */
export function failure(what: string, cause?: unknown): SignalError {
  return new SignalError('refresh-failed', `${what}.`, cause)
}

/** @throws SignalError `refresh-failed`, always the same one, where the page could be had again only by posting a form again. */
export function checkRepeatable(): void {
  if (!isPostResult()) return
  throw (notRepeatable ??= failure(
    'This page is the answer to a posted form: let the server answer POST with a redirect',
  ))
}
