import { SignalError } from '../errors.js'

/** The error of a refresh that did not come about. */
export function failure(what: string, cause?: unknown): SignalError {
  return new SignalError('refresh-failed', `${what}.`, cause)
}
