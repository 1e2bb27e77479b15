import { KeysUnavailable } from '../access/tokens.js'
import { EpochChanged } from '../signal-log/log.js'
import { LogUnavailable } from '../signal-log/retry.js'
import { problem } from './reply.js'

/** Errors after which the same request may succeed later. */
const TEMPORARY_ERRORS = [LogUnavailable, EpochChanged, KeysUnavailable]

export const RETRY = { 'Retry-After': '5' }

export const UNAVAILABLE = problem(
  503,
  'unavailable',
  'The relay cannot do this now. Send this again, unchanged.',
  RETRY,
)

export function isTemporary(error: unknown): boolean {
  return TEMPORARY_ERRORS.some((type) => error instanceof type)
}
