import { readMemory } from '../metrics/memory.js'
import { parse } from '../../../src/protocol/codec.js'
import type { Counters, LoggedSignal } from '../metrics/counters.js'
import type { RelayState } from '../metrics/relay-state.js'
import { REPORT_INTERVAL, type Instances, type InstanceState } from './instances.js'
import type { Rooms } from '../rooms/rooms.js'
import type { Rates } from './rates.js'

const SHOWN_ROOMS = 50
const MAX_DATA_LENGTH = 400

export interface OverviewOptions {
  readonly counters: Counters
  readonly relayState: () => RelayState
  readonly instances: Instances
  readonly rooms: Pick<Rooms, 'largest'>
  readonly rates: Rates
}

/** The data of the dashboard. */
export interface Overview {
  /** Returns the report for other instances. */
  instance(): InstanceState
  /** @param hasData Includes the data of signals, which may be private. */
  read(hasData: boolean): unknown
}

export function createOverview({ counters, relayState, instances, rooms, rates }: OverviewOptions): Overview {
  const startedAt = performance.now()
  const { counts, latestSignals, latestRefusals } = counters

  function instance(): InstanceState {
    return {
      id: instances.id,
      name: instances.name,
      ...relayState(),
      uptime: Math.round((performance.now() - startedAt) / 1000),
      rate: { in: averageRate(rates.in), out: averageRate(rates.out) },
      memory: readMemory(),
    }
  }

  return {
    instance,
    read: (hasData) => ({
      at: Date.now(),
      instance: instance(),
      others: instances.others(),
      counts: {
        ...counts,
        appendFailures: Object.fromEntries(counts.appendFailures),
        closes: Object.fromEntries(counts.closes),
        refusals: Object.fromEntries(counts.refusals),
      },
      perSecond: { in: rates.in, out: rates.out },
      rooms: rooms.largest(SHOWN_ROOMS),
      signals: latestSignals.toReversed().map((signal) => describe(signal, hasData)),
      refusals: latestRefusals.toReversed(),
    }),
  }
}

function describe({ at, prefix }: LoggedSignal, hasData: boolean): unknown {
  const { signal, room, sender, data } = parse(`${prefix}}`) ?? {}
  const text = hasData && data !== undefined ? JSON.stringify(data) : undefined
  return { at, signal, room, sender, ...(text !== undefined && { data: shorten(text) }) }
}

function shorten(text: string): string {
  return text.length > MAX_DATA_LENGTH ? `${text.slice(0, MAX_DATA_LENGTH)}…` : text
}

/** Returns the average rate over one report interval. */
function averageRate(values: readonly number[]): number {
  const last = values.slice(-REPORT_INTERVAL / 1000)
  return last.reduce((sum, value) => sum + value, 0) / Math.max(last.length, 1)
}
