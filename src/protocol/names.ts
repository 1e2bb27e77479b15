/** The default room. */
export const DEFAULT_ROOM = 'main'

/** The largest frame that a relay accepts by default (bytes of UTF-8). */
export const DEFAULT_MAX_BYTES = 65_536

const NAME = /^[A-Za-z][A-Za-z0-9_.:-]{0,127}$/

/** Whether a value is a legal name of a signal or of a room. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}
