import type { Action, Scenario } from './actions.js'

/** A scenario in which a property failed, shrunk, with the defect that it found. */
export interface Seed {
  readonly what: string
  /** What it failed with. */
  readonly counts: 'LOST' | 'FIFO' | 'PHANTOM' | 'GAPS'
  readonly scenario: Scenario
}

function seed(what: string, counts: Seed['counts'], ...actions: readonly Action[]): Seed {
  return { what, counts, scenario: { history: 1000, chance: 8, actions } }
}

/** A page that has just loaded, beside the two that listen already. */
const LOADED: readonly Action[] = [
  { do: 'pass', milliseconds: 5 },
  { do: 'publish', page: 0, room: 'main', data: 'before' },
  { do: 'close', page: 2 },
  { do: 'open', page: 2, since: 'navigation' },
  { do: 'pass', milliseconds: 20 },
]

/** What was found and mended. They stay for good. */
export const FOUND: readonly Seed[] = [
  seed(
    'a page that joins while the log has trouble begins later than it asked for: the age is counted from the end of the trouble',
    'LOST',
    ...LOADED,
    { do: 'trouble', milliseconds: 2000, isCarriedOut: false },
    { do: 'listen', page: 2, room: 'main' },
    { do: 'pass', milliseconds: 5000 },
  ),
  seed(
    'a signal that a dead connection left to the log overtakes a newer one of its page, once its own time is over',
    'FIFO',
    { do: 'pass', milliseconds: 5 },
    { do: 'trouble', milliseconds: 20_000, isCarriedOut: false },
    { do: 'publish-briefly', page: 0, room: 'main', ttl: 1 },
    { do: 'publish', page: 0, room: 'main', data: 'newer' },
    { do: 'pass', milliseconds: 1000 },
  ),
  seed(
    'after a restart, an entry that is the last handled one by chance hides what the new log has before it',
    'LOST',
    { do: 'pass', milliseconds: 5 },
    { do: 'publish', page: 0, room: 'main', data: 'first' },
    { do: 'pass', milliseconds: 5 },
    { do: 'tamper', page: 0, with: 'mute' },
    { do: 'publish', page: 0, room: 'main', data: 'second' },
    { do: 'pass', milliseconds: 20 },
    { do: 'kill' },
    { do: 'start', history: 1000 },
    { do: 'connect', page: 2 },
    { do: 'publish', page: 2, room: 'main', data: 'hidden' },
    { do: 'pass', milliseconds: 20 },
    { do: 'connect', page: 0 },
    { do: 'pass', milliseconds: 20 },
    { do: 'connect', page: 1 },
  ),
  seed(
    'a page that stops before the relay has answered, and listens again, begins later than its navigation',
    'LOST',
    { do: 'stop', page: 0, room: 'main' },
    { do: 'publish', page: 0, room: 'main', data: 'between' },
    { do: 'pass', milliseconds: 1 },
    { do: 'pass', milliseconds: 3 },
    { do: 'listen', page: 0, room: 'main' },
  ),
  seed(
    'a page whose join is held up on its way begins later than it asked for',
    'LOST',
    ...LOADED,
    { do: 'stall', page: 2 },
    { do: 'listen', page: 2, room: 'main' },
    { do: 'pass', milliseconds: 1000 },
    { do: 'heal', page: 2 },
    { do: 'pass', milliseconds: 200 },
  ),
  seed(
    'a frozen page that is left much later hands on where it was as if it had been left then',
    'LOST',
    { do: 'pass', milliseconds: 5 },
    { do: 'freeze', page: 0 },
    { do: 'publish', page: 1, room: 'main', data: 0 },
    { do: 'pass', milliseconds: 1 },
    { do: 'jump', milliseconds: 86_400_000 },
    { do: 'navigate', page: 0, isKept: false, farewell: 'arrives', since: 'navigation' },
  ),
  seed(
    'a signal that went by the farewell of a page that was frozen is called expired by it: its time ran out before it left',
    'PHANTOM',
    { do: 'publish-briefly', page: 1, room: 'main', ttl: 1 },
    { do: 'freeze', page: 1 },
  ),
  seed(
    'a room that is first wanted between hello and welcome is not joined on that connection',
    'GAPS',
    { do: 'close', page: 0 },
    { do: 'open', page: 0, since: 'navigation' },
    { do: 'pass', milliseconds: 1 },
    { do: 'listen', page: 0, room: 'main' },
  ),
  seed(
    'a room that is left and wanted again between hello and welcome is joined by the hello',
    'GAPS',
    { do: 'pass', milliseconds: 1 },
    { do: 'stop', page: 1, room: 'main' },
    { do: 'listen', page: 1, room: 'main' },
  ),
]
