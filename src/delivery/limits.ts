/** The most signals, and bytes, that wait to be accepted. */
export const MAX_SIGNALS = 256
export const MAX_BYTES = 1_048_576
/** A resent signal may be on its way for so long (ms). */
export const RESEND_MARGIN = 60_000
/** The longest life of a signal (ms). The relay remembers ids for longer: no resend arrives as a new signal. */
export const MAX_TTL = 600_000
/** The version of the stored form. */
export const VERSION = 5
/** A page that comes later than this begins with its own navigation (ms). */
export const FRESH = 60_000
/** How long after its navigation a page counts as one that is still loading (ms). */
export const NAVIGATION_WINDOW = 60_000
/** The least number of remembered ids: they stop repeats across two epochs, where positions cannot. */
export const REMEMBERED_IDS = 8192
/** A join answer later than this (ms) is late: the requested age may then start too late. */
export const PROMPT_ANSWER = 250
/** A room without a join for this long (ms) was in order: the next series of joins begins without a wait. */
export const CALM = 30_000
/** The most that the rooms of a hello may take (characters). */
export const MAX_HELLO_ROOMS = 600
