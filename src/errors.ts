/** Everything that can go wrong, by name. Callers branch on the code; the text is for people. */
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
 * The one error of signalpost. `code` says what happened, the message says what to do, and `cause` keeps the error
 * behind it. The message never holds a token or a signal's data.
 */
export class SignalError extends Error {
  override readonly name = 'SignalError'
  readonly code: SignalErrorCode

  constructor(code: SignalErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Whether a value is a SignalError, also one of another copy of this package or of another window. */
export function isSignalError(value: unknown): value is SignalError {
  return value instanceof Error && value.name === 'SignalError' && 'code' in value
}
