import * as CloseCode from '../../../src/protocol/close-codes.js'
import type { GapFrame, RelayFrame } from '../../../src/protocol/frames.js'
import type { AppendResult, NewEntry } from '../signal-log/log.js'

const MAX_REFUSALS = 50
/** Normal: an answer of the HTTP fallback is complete, and the page asks again. */
const REFUSES_NOTHING: ReadonlySet<number> = new Set([CloseCode.Restart, CloseCode.Normal])

/** A recently logged signal. */
export interface LoggedSignal {
  /** Time of the append (epoch ms). */
  readonly at: number
  readonly prefix: string
}

interface LoggedRefusal {
  /** Time of the refusal (epoch ms). */
  readonly at: number
  readonly reason: string
  readonly text: string
}

/** Counts since the relay was created. */
export interface Counts {
  /** Logged signals by type of sender. */
  readonly signalsIn: { page: number; backend: number }
  /** Repeated signals that were not logged again. */
  duplicates: number
  /** Attempts to log a signal that failed, by reason. */
  readonly appendFailures: Map<string, number>
  /** Signals that were sent to connections. */
  signalsOut: number
  /** Joins that were answered with earlier signals. */
  replays: number
  readonly gaps: Record<GapFrame['reason'], number>
  /** Connections that the relay closed, by close code. */
  readonly closes: Map<number, number>
  /** Refusals by reason. */
  readonly refusals: Map<string, number>
}

/** Counts the events of the relay. */
export interface Counters {
  readonly counts: Counts
  readonly latestSignals: readonly LoggedSignal[]
  readonly latestRefusals: readonly LoggedRefusal[]
  logged(entries: readonly NewEntry[], results: readonly AppendResult[]): void
  appendFailed(reason: string, signals: number): void
  refused(reason: string, text: string): void
  delivered(): void
  sent(frame: RelayFrame): void
  closed(code: number, reason: string): void
}

/** @param remembered The number of recent signals to keep. */
export function createCounters(remembered: number): Counters {
  const latestSignals: LoggedSignal[] = []
  const latestRefusals: LoggedRefusal[] = []
  const counts = createCounts()

  function refused(reason: string, text: string): void {
    increase(counts.refusals, reason)
    keep(latestRefusals, { at: Date.now(), reason, text }, MAX_REFUSALS)
  }

  function countLogged({ id, prefix }: NewEntry): void {
    // Only a backend's ids have a colon.
    counts.signalsIn[id.includes(':') ? 'backend' : 'page'] += 1
    if (remembered > 0) keep(latestSignals, { at: Date.now(), prefix }, remembered)
  }

  return {
    counts,
    latestSignals,
    latestRefusals,
    logged(entries, results) {
      for (const [index, entry] of entries.entries()) {
        if (results[index] === 'logged') countLogged(entry)
        else counts.duplicates += 1
      }
    },
    appendFailed: (reason, signals) => increase(counts.appendFailures, reason, signals),
    refused,
    delivered() {
      counts.signalsOut += 1
    },
    sent(frame) {
      if (frame.type === 'joined' && frame.head > frame.offset) counts.replays += 1
      if (frame.type === 'gap') counts.gaps[frame.reason] += 1
      if (frame.type === 'refused') refused(frame.code, frame.text)
    },
    closed(code, reason) {
      increase(counts.closes, code)
      if (!REFUSES_NOTHING.has(code)) refused(`close-${code}`, reason)
    },
  }
}

/** Sums the counts of workers. */
export function sumCounts(all: readonly Counts[]): Counts {
  const total = createCounts()
  for (const counts of all) {
    total.signalsIn.page += counts.signalsIn.page
    total.signalsIn.backend += counts.signalsIn.backend
    total.duplicates += counts.duplicates
    total.signalsOut += counts.signalsOut
    total.replays += counts.replays
    total.gaps.epoch += counts.gaps.epoch
    total.gaps.trimmed += counts.gaps.trimmed
    for (const [reason, count] of counts.appendFailures) increase(total.appendFailures, reason, count)
    for (const [code, count] of counts.closes) increase(total.closes, code, count)
    for (const [reason, count] of counts.refusals) increase(total.refusals, reason, count)
  }
  return total
}

function createCounts(): Counts {
  return {
    signalsIn: { page: 0, backend: 0 },
    duplicates: 0,
    appendFailures: new Map(),
    signalsOut: 0,
    replays: 0,
    gaps: { epoch: 0, trimmed: 0 },
    closes: new Map(),
    refusals: new Map(),
  }
}

function increase<Key>(counts: Map<Key, number>, key: Key, count = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

function keep<Item>(items: Item[], item: Item, most: number): void {
  items.push(item)
  if (items.length > most) items.shift()
}
