/** The most that waits to be accepted, in signals and in bytes. */
export const MAX_SIGNALS = 256
export const MAX_BYTES = 1_048_576
/** A resent signal may be on its way for so long (ms). */
export const RESEND_MARGIN = 60_000
/** The relay remembers ids for longer than this, so that no resend can arrive as a new signal. */
export const MAX_TTL = 600_000
/** Another form of what is stored gets another number. */
export const VERSION = 3
/** A page that comes later than this begins with its own navigation (ms). */
export const FRESH = 60_000
/** How long after its navigation a page counts as one that is still loading (ms). */
export const NAVIGATION_WINDOW = 60_000
