/** The counts of the inspector. */
export interface Counters {
  sent: number
  accepted: number
  /** Sent and not answered yet. */
  waiting: number
  /** Sent, with another outcome than `accepted`. */
  failed: number
  received: number
  /** Signals that caused no refresh of their own. */
  coalesced: number
  /** How often a refresh waited for the user. */
  held: number
  gaps: number
}

export type LineKind = 'status' | 'sent' | 'received' | 'refresh' | 'gap'

/** One line of the timeline. */
export interface Line {
  /** The time (epoch ms). */
  readonly at: number
  readonly kind: LineKind
  readonly text: string
  /** The data of the signal as JSON, truncated. */
  readonly data?: string | undefined
}

export interface SignalRecord {
  readonly counters: Readonly<Counters>
  /** The newest lines, oldest first. */
  readonly lines: readonly Line[]
  /** The number of all lines so far. */
  readonly noted: number
  count(name: keyof Counters, by?: number): void
  note(kind: LineKind, text: string, data?: unknown): void
}

/** The most lines that are kept. */
export const MAX_LINES = 200
/** The most data that is kept of a signal (characters). */
const MAX_DATA = 1000

/** Records events, and calls `onChange` at each change. */
export function createRecord(onChange: () => void): SignalRecord {
  const counters = { sent: 0, accepted: 0, waiting: 0, failed: 0, received: 0, coalesced: 0, held: 0, gaps: 0 }
  const lines: Line[] = []
  let noted = 0

  return {
    counters,
    lines,
    get noted() {
      return noted
    },
    count(name, by = 1) {
      counters[name] += by
      onChange()
    },
    note(kind, text, data) {
      const json = JSON.stringify(data)
      lines.push({ at: Date.now(), kind, text, data: json?.length > MAX_DATA ? `${json.slice(0, MAX_DATA)}…` : json })
      if (lines.length > MAX_LINES) lines.shift()
      noted += 1
      onChange()
    },
  }
}

/** Returns the time of day of a line, to the millisecond. */
export function timeOf({ at }: Line): string {
  const date = new Date(at)
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** Returns a report as text, for support. Without `withData` it contains no data of signals. It never contains the query. */
export function toReport({ counters, lines }: SignalRecord, withData: boolean): string {
  const head = [
    'signalpost report',
    `time: ${new Date().toISOString()}`,
    `page: ${location.origin}${location.pathname}`,
    `browser: ${navigator.userAgent}`,
    `network: ${navigator.onLine ? 'online' : 'offline'}, page ${document.visibilityState}`,
    `data: ${withData ? 'shown' : 'hidden'}`,
    Object.entries(counters)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  ]
  const timeline = lines.map((line) => {
    const data = withData && line.data !== undefined ? ` ${line.data}` : ''
    return `${timeOf(line)} ${line.kind}: ${line.text}${data}`
  })
  return [...head, '', ...timeline, ''].join('\n')
}
