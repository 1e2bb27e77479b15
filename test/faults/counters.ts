import type { SendOutcome } from '../../src/index.js'

/** A place in a room's log. */
export interface Place {
  readonly epoch: string
  readonly offset: number
}

/** A signal as its publisher knows it. */
export interface Published {
  readonly publisher: string
  /** Counts a publisher's signals. */
  readonly number: number
  readonly room: string
  /** `undefined` for a promise that never settled. */
  outcome?: SendOutcome
  id?: string
  /** The run of the relay in which it was accepted. */
  runNumber?: number
}

/** What a receiver was told, in order. */
export type Heard =
  | {
      readonly type: 'signal'
      readonly room: string
      readonly id: string
      /** What the publisher put into the data. */
      readonly publisher: string
      readonly number: number
      readonly place: Place | undefined
    }
  | {
      readonly type: 'gap'
      readonly room: string
      /** What may be missing comes after this place … */
      readonly from: Place
      /** … and not after this one. */
      readonly to: Place
    }

/** What a run left behind. */
export interface TraceRecord {
  readonly published: readonly Published[]
  /** What each receiver was told. All receivers were in all rooms before the first signal. */
  readonly heard: ReadonlyMap<string, readonly Heard[]>
  /** Where each signal stands in the log, by id: once in each epoch that took it. */
  readonly logged: ReadonlyMap<string, readonly Place[]>
  /** The epochs of each room, the oldest first, with the run of the relay that each belongs to. */
  readonly epochs: ReadonlyMap<string, readonly { readonly epoch: string; readonly runNumber: number }[]>
}

export interface Counts {
  /** Accepted, and by a receiver neither handled nor announced as a gap. */
  readonly LOST: number
  /** Accepted, not handled, inside a gap that the receiver was told of. */
  readonly COVERED: number
  /** Handled more than once. */
  readonly DUP: number
  /** Handled at an offset that does not rise within its epoch. */
  readonly ORDER: number
  /** Handled after a later one of the same publisher and room. */
  readonly FIFO: number
  /** Handled, though nobody published it under this id, or though its publisher was told that it would not be. */
  readonly PHANTOM: number
  /** Gaps that receivers were told of. */
  readonly GAPS: number
  /** Promises that never settled. */
  readonly UNSETTLED: number
  readonly published: number
  readonly accepted: number
  /** Deliveries to receivers. */
  readonly delivered: number
  /** Accepted signals times receivers. */
  readonly expected: number
}

/** Counts what went wrong in a run, as publishers, receivers and the log itself tell it. */
export function count(record: TraceRecord): Counts {
  const totals = { LOST: 0, COVERED: 0, DUP: 0, ORDER: 0, FIFO: 0, PHANTOM: 0, GAPS: 0, delivered: 0 }
  const accepted = record.published.filter(({ outcome }) => outcome === 'accepted')
  const ranks = rankEpochs(record)
  const names = new Map(record.published.map((signal) => [nameOf(signal), signal]))
  for (const heard of record.heard.values()) {
    for (const [key, value] of Object.entries(countReceiver(heard, accepted, record, ranks, names))) {
      totals[key as keyof typeof totals] += value
    }
  }
  return {
    ...totals,
    UNSETTLED: record.published.filter(({ outcome }) => outcome === undefined).length,
    published: record.published.length,
    accepted: accepted.length,
    expected: accepted.length * record.heard.size,
  }
}

/** The place of each epoch among those of its room: what is in a later one is newer. */
type Ranks = ReadonlyMap<string, number>

function rankEpochs({ epochs }: TraceRecord): Ranks {
  return new Map([...epochs.values()].flatMap((list) => list.map(({ epoch }, index) => [epoch, index] as const)))
}

function nameOf({ publisher, number }: { readonly publisher: string; readonly number: number }): string {
  return `${publisher} ${number}`
}

function countReceiver(
  heard: readonly Heard[],
  accepted: readonly Published[],
  record: TraceRecord,
  ranks: Ranks,
  names: ReadonlyMap<string, Published>,
) {
  const counts = { LOST: 0, COVERED: 0, DUP: 0, ORDER: 0, FIFO: 0, PHANTOM: 0, GAPS: 0, delivered: 0 }
  const ids = new Set<string>()
  const handled = new Set<string>()
  const offsets = new Map<string, number>()
  const numbers = new Map<string, number>()

  for (const entry of heard) {
    if (entry.type === 'gap') {
      counts.GAPS += 1
      continue
    }
    const { id, room, publisher, number, place } = entry
    counts.delivered += 1
    if (ids.has(id)) counts.DUP += 1
    ids.add(id)
    handled.add(nameOf(entry))
    const source = names.get(nameOf(entry))
    const isOfAnother = !source || source.room !== room || (source.id !== undefined && source.id !== id)
    if (isOfAnother || !place || NEVER.has(source.outcome)) counts.PHANTOM += 1
    if (place && place.offset <= (offsets.get(place.epoch) ?? 0)) counts.ORDER += 1
    if (place) offsets.set(place.epoch, place.offset)
    const lane = `${publisher} ${room}`
    if (number < (numbers.get(lane) ?? 0)) counts.FIFO += 1
    numbers.set(lane, number)
  }

  const cover = createCover(heard, ranks)
  for (const signal of accepted) {
    if (handled.has(nameOf(signal))) continue
    if (placesOf(signal, record).every((place) => cover(signal.room, place))) counts.COVERED += 1
    else counts.LOST += 1
  }
  return counts
}

/** Outcomes after which nobody may hear the signal. */
const NEVER: ReadonlySet<SendOutcome | undefined> = new Set<SendOutcome>(['refused', 'dropped', 'expired'])

/** An accepted signal that no observer saw died with the relay: it stood at the very end of the epoch of that run. */
function placesOf({ id, runNumber, room }: Published, { logged, epochs }: TraceRecord): readonly Place[] {
  const places = logged.get(id ?? '')
  if (places) return places
  const epoch = epochs.get(room)?.find((entry) => entry.runNumber === runNumber)?.epoch ?? ''
  return [{ epoch, offset: Infinity }]
}

/** Tells whether a place lies in a gap that was told before anything newer was handled. */
function createCover(heard: readonly Heard[], ranks: Ranks): (room: string, place: Place) => boolean {
  type At = readonly [rank: number, offset: number]
  const gaps: { readonly room: string; readonly from: At; readonly to: At; readonly index: number }[] = []
  const handled = new Map<string, { readonly at: At; index: number }[]>()
  const at = ({ epoch, offset }: Place): At => [ranks.get(epoch) ?? -1, offset]
  const compare = (one: At, other: At): number => one[0] - other[0] || one[1] - other[1]

  for (const [index, entry] of heard.entries()) {
    if (entry.type === 'gap') gaps.push({ room: entry.room, from: at(entry.from), to: at(entry.to), index })
    else if (entry.place) {
      const list = handled.get(entry.room) ?? []
      list.push({ at: at(entry.place), index })
      handled.set(entry.room, list)
    }
  }
  for (const list of handled.values()) {
    list.sort((one, other) => compare(one.at, other.at))
    // From here on, the index is that of the first handled among all that are not older.
    for (let position = list.length - 2; position >= 0; position -= 1) {
      const entry = list[position]
      if (entry) entry.index = Math.min(entry.index, list[position + 1]?.index ?? Infinity)
    }
  }

  function firstNewer(room: string, place: At): number {
    const list = handled.get(room) ?? []
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(list[middle]?.at ?? place, place) > 0) high = middle
      else low = middle + 1
    }
    return list[low]?.index ?? Infinity
  }

  return (room, place) => {
    const where = at(place)
    if (where[0] < 0) return false
    const newer = firstNewer(room, where)
    return gaps.some(
      (gap) => gap.room === room && gap.index < newer && compare(where, gap.from) > 0 && compare(where, gap.to) <= 0,
    )
  }
}
