import { parse } from '../../../src/protocol/codec.js'
import type { Activity, LoggedSignal } from '../metrics/counters.js'
import type { Condition } from '../metrics/relay-state.js'
import { TELLING_INTERVAL, type Instances, type InstanceState } from './instances.js'
import type { Rooms } from '../rooms/rooms.js'
import type { Samples } from './rates.js'

export interface OverviewOptions {
  readonly activity: Activity
  readonly condition: () => Condition
  readonly instances: Instances
  readonly rooms: Pick<Rooms, 'largest'>
  readonly samples: Samples
}

/** What the dashboard shows. */
export interface Overview {
  /** What this instance says to the others. */
  instance(): InstanceState
  /** @param hasData Whether the data of signals is wanted, which may be private. */
  tell(hasData: boolean): unknown
}

export function createOverview({ activity, condition, instances, rooms, samples }: OverviewOptions): Overview {
  const startedAt = performance.now()
  const { counts, latestSignals, latestRefusals } = activity

  function instance(): InstanceState {
    return {
      id: instances.id,
      name: instances.name,
      ...condition(),
      uptime: Math.round((performance.now() - startedAt) / 1000),
      rate: { in: recent(samples.in), out: recent(samples.out) },
      memory: process.memoryUsage.rss(),
    }
  }

  return {
    instance,
    tell: (hasData) => ({
      at: Date.now(),
      instance: instance(),
      others: instances.others(),
      counts: {
        ...counts,
        closes: Object.fromEntries(counts.closes),
        refusals: Object.fromEntries(counts.refusals),
      },
      perSecond: { in: samples.in, out: samples.out },
      rooms: rooms.largest(SHOWN_ROOMS),
      signals: latestSignals.toReversed().map((signal) => describe(signal, hasData)),
      refusals: latestRefusals.toReversed(),
    }),
  }
}

const SHOWN_ROOMS = 50
const SHOWN_DATA = 400

function describe({ at, opening }: LoggedSignal, hasData: boolean): unknown {
  const { signal, room, sender, data } = parse(`${opening}}`) ?? {}
  const text = hasData && data !== undefined ? JSON.stringify(data) : undefined
  return { at, signal, room, sender, ...(text !== undefined && { data: shorten(text) }) }
}

function shorten(text: string): string {
  return text.length > SHOWN_DATA ? `${text.slice(0, SHOWN_DATA)}…` : text
}

/** The rate over as long as the instances take to tell of it. */
function recent(values: readonly number[]): number {
  const last = values.slice(-TELLING_INTERVAL / 1000)
  return last.reduce((sum, value) => sum + value, 0) / Math.max(last.length, 1)
}
