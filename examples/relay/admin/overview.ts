import { readMemory } from '../metrics/memory.js'
import { parse } from '../../../src/protocol/codec.js'
import type { Counters, Counts, LoggedSignal } from '../metrics/counters.js'
import { sumStates, type RelayState } from '../metrics/relay-state.js'
import type { Siblings } from '../siblings.js'
import { REPORT_INTERVAL, type Instances, type InstanceState } from './instances.js'
import { sumMembers, type RoomMembers, type Rooms } from '../rooms/rooms.js'
import type { Rates } from './rates.js'

const SHOWN_ROOMS = 50
const MAX_DATA_LENGTH = 400

export interface OverviewOptions {
  readonly counters: Counters
  /** Returns the counts of all workers. */
  readonly counts: () => Promise<Counts>
  readonly relayState: () => RelayState
  readonly instances: Instances
  readonly rooms: Pick<Rooms, 'largest'>
  readonly rates: Rates
  readonly siblings: Siblings
  /** The number of recent signals and refusals to show. */
  readonly remembered: number
}

/** The data of the dashboard. */
export interface Overview {
  /** Returns the report for other instances. */
  instance(): InstanceState
  /** @param hasData Includes the data of signals, which may be private. */
  read(hasData: boolean): Promise<unknown>
}

interface Timed {
  /** Epoch ms. */
  readonly at: number
}

/** The share of one worker in the overview. */
interface Part {
  readonly instance: InstanceState
  readonly perSecond: { readonly in: readonly number[]; readonly out: readonly number[] }
  readonly rooms: readonly RoomMembers[]
  readonly signals: readonly Timed[]
  readonly refusals: readonly Timed[]
}

export function createOverview(options: OverviewOptions): Overview {
  const { counters, counts, relayState, instances, rooms, rates, siblings, remembered } = options
  const { latestSignals, latestRefusals } = counters
  const ask = siblings.share<boolean, Part>('overview', (hasData) => ({
    instance: instance(),
    perSecond: { in: rates.in, out: rates.out },
    rooms: rooms.largest(SHOWN_ROOMS),
    signals: latestSignals.map((signal) => describe(signal, hasData)),
    refusals: latestRefusals,
  }))

  function instance(): InstanceState {
    return {
      id: instances.id,
      name: instances.name,
      ...relayState(),
      rate: { in: averageRate(rates.in), out: averageRate(rates.out) },
      memory: readMemory(),
    }
  }

  return {
    instance,
    async read(hasData) {
      const [parts, total] = await Promise.all([ask(hasData), counts()])
      const workers = parts.map((part) => part.instance)
      const ids = new Set(workers.map(({ id }) => id))
      return {
        at: Date.now(),
        instance: instance(),
        total: { ...sumStates(workers), memory: workers.reduce((sum, { memory }) => sum + memory, 0) },
        others: [
          ...workers.filter(({ id }) => id !== instances.id),
          ...instances.others().filter(({ id }) => !ids.has(id)),
        ],
        counts: {
          ...total,
          appendFailures: Object.fromEntries(total.appendFailures),
          closes: Object.fromEntries(total.closes),
          refusals: Object.fromEntries(total.refusals),
        },
        perSecond: {
          in: sumSeries(parts.map(({ perSecond }) => perSecond.in)),
          out: sumSeries(parts.map(({ perSecond }) => perSecond.out)),
        },
        rooms: sumMembers(parts.map((part) => part.rooms)).slice(0, SHOWN_ROOMS),
        signals: newestFirst(parts.flatMap(({ signals }) => signals)).slice(0, remembered),
        refusals: newestFirst(parts.flatMap(({ refusals }) => refusals)).slice(0, remembered),
      }
    },
  }
}

function describe({ at, prefix }: LoggedSignal, hasData: boolean): Timed {
  const { signal, room, sender, data } = parse(`${prefix}}`) ?? {}
  const text = hasData && data !== undefined ? JSON.stringify(data) : undefined
  return { at, signal, room, sender, ...(text !== undefined && { data: shorten(text) }) } as Timed
}

function shorten(text: string): string {
  return text.length > MAX_DATA_LENGTH ? `${text.slice(0, MAX_DATA_LENGTH)}…` : text
}

/** Returns the average rate over one report interval. */
function averageRate(values: readonly number[]): number {
  const last = values.slice(-REPORT_INTERVAL / 1000)
  return last.reduce((sum, value) => sum + value, 0) / Math.max(last.length, 1)
}

/** Sums series that end now, of which a younger worker has a shorter one. */
function sumSeries(all: readonly (readonly number[])[]): readonly number[] {
  const length = Math.max(0, ...all.map((values) => values.length))
  return Array.from({ length }, (_, index) =>
    all.reduce((sum, values) => sum + (values[index - length + values.length] ?? 0), 0),
  )
}

function newestFirst(items: readonly Timed[]): readonly Timed[] {
  return items.toReversed().toSorted((a, b) => b.at - a.at)
}
