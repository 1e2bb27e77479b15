/** The codes of all errors. Programs branch on the code; the message is for people. */
export type SignalErrorCode =
  | 'bad-option'
  | 'bad-url'
  | 'insecure-url'
  | 'bad-name'
  | 'bad-data'
  | 'too-large'
  | 'contract'
  | 'no-client'
  | 'no-websocket'
  | 'unreachable'
  | 'no-protocol'
  | 'bad-frame'
  | 'token-failed'
  | 'unauthorized'
  | 'forbidden'
  | 'version'
  | 'refused'
  | 'outbox-full'
  | 'replaced'
  | 'expired'
  | 'closed'
  | 'handler-threw'
  | 'refresh-failed'

/**
 * The error class of signalpost. `code` names the error, the message says how to solve it, and `cause` holds the original
 * error. The message never holds a token or the data of a signal.
 */
export class SignalError extends Error {
  override readonly name = 'SignalError'
  readonly code: SignalErrorCode

  constructor(code: SignalErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Whether a value is a SignalError, including one of another copy of this package or of another window. */
export function isSignalError(value: unknown): value is SignalError {
  return value instanceof Error && value.name === 'SignalError' && 'code' in value
}

/** The default of `onError`: the console and error trackers receive the error. */
export function rethrow(error: SignalError): never {
  throw error
}
