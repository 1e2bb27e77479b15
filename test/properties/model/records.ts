import type { SendOutcome, SignalClient, SignalStatus } from '../../../src/index.js'
import type { RelayFrame } from '../../../src/protocol/frames.js'
import type { Tampering } from '../actions.js'
import type { BrowserContext } from '../fake-browser.js'
import type { MemoryConnection } from '../memory-connection.js'

/** A position in the log: the number of the relay's process, and the offset in its log. */
export interface Position {
  readonly run: number
  readonly offset: number
}

interface LoggedPosition extends Position {
  readonly at: number
}

export interface SentSignal {
  readonly page: Page
  readonly room: string
  readonly name: string
  /** Counts all signals of the model, and so those of a page in the order of its calls. */
  readonly turn: number
  readonly data: unknown
  readonly positions: LoggedPosition[]
  /** How long the signal may wait; without it, longer than a scenario takes. */
  readonly ttl: number | undefined
  readonly key: string | undefined
  /** Its page was left before the promise settled: the signal is in the memory of the tab. */
  isLeft: boolean
  /** A farewell contained it too. */
  isPosted: boolean
  /** No page has to send it any more. */
  isExcused: boolean
  id?: string
  outcome?: SendOutcome
  timesSettled: number
}

/** Signals that a page may have missed, as its gap says: after one position, up to another one. */
interface MissedRange {
  readonly after: Position
  readonly upTo: Position
}

/** One unbroken time of listening to a room. */
export interface Subscription {
  readonly room: string
  /** It continues where another page of the tab was. */
  readonly isInherited: boolean
  stop: () => void
  /** When the navigation to its page began, in virtual time (ms). */
  readonly pageBegan: number
  /** Whether the page has a position of its own. */
  hasPosition: boolean
  /** From when on its signals are wanted, in virtual time (ms). */
  readonly wantedFrom: number
  /** How long the relay's first answer took, within the client's limit: the relay counts ages from somewhere within. */
  answerDelay: number
  /** How late the last answer was that the client did not take; the next one may be as late. */
  toleratedDelay: number
  /** The last turn before the relay's first answer; every later one is owed. */
  owedAfter?: number
  /** The run of the relay in which its position is. */
  run: number
  reached: Position
  readonly lastTurns: Map<Page, number>
  readonly missed: MissedRange[]
}

/** A join that waits for its answer. */
export interface Join {
  readonly subscription: Subscription | undefined
  readonly at: number
}

/** State that the pages of one tab share. */
export interface Tab {
  readonly storage: Map<string, string>
  /** The last page of the tab, and when the user left it by both clocks; undefined while a page is shown. */
  left?: { readonly page: Page; readonly at: number; readonly wallAt: number } | undefined
  /** The page in the back/forward cache. */
  kept?: Page | undefined
}

export interface Page {
  readonly number: number
  readonly tab: Tab
  readonly context: BrowserContext
  /** When its navigation began, in virtual time (ms). */
  readonly origin: number
  /** The positions of the page before it. */
  readonly inherited: ReadonlyMap<string, Subscription>
  /** Signals that pages before it handled, and in which run of the relay. */
  readonly handledBefore: ReadonlyMap<SentSignal, number>
  readonly handledIn: Map<SentSignal, number>
  /** The rooms for which the client took the relay's answer. */
  readonly answered: Set<string>
  isFrozen: boolean
  readonly client: SignalClient
  readonly since: 'navigation' | 'now'
  readonly subscriptions: Map<string, Subscription>
  readonly visited: Set<string>
  readonly handled: Set<SentSignal>
  readonly connections: MemoryConnection[]
  readonly unexpected: unknown[]
  /** Bodies of its requests that have not left yet. */
  readonly posts: string[]
  /** The frame that the page is handling right now, and the run of the relay that sent it. */
  handling?: { readonly frame: RelayFrame; readonly run: number } | undefined
  status: SignalStatus
  tampering?: Tampering | undefined
  /** The fate of all further answers on a connection. */
  readonly lastingTampering: Map<MemoryConnection, Tampering>
  isOrdered: boolean
  isClosed: boolean
}

/** Counts of a run of the model, so that a test can be sure that something happened. */
export interface Tally {
  accepted: number
  handled: number
  gaps: number
  /** Signals that were announced as perhaps missed, and missed. */
  covered: number
  connections: number
  /** Pages that came after another one of their tab, and pages that came back. */
  arrivals: number
  returns: number
  /** Signals that were logged because of a farewell, or because the next page sent them. */
  rescued: number
}

export const START: Position = { run: 0, offset: 0 }

/** Whether a signal was left to the next page of its tab, and is in no log. */
export function isUnsent({ isLeft, isExcused, ttl, key, positions, outcome }: SentSignal): boolean {
  const isOwed = isLeft && !isExcused && ttl === undefined && key === undefined
  return isOwed && positions.length === 0 && outcome !== 'dropped'
}

export function isAccepted({ outcome, isLeft, positions }: SentSignal): boolean {
  return outcome === 'accepted' || (isLeft && positions.length > 0)
}

export function hasHandled(page: Page, { isInherited }: Subscription, sent: SentSignal): boolean {
  return page.handled.has(sent) || (isInherited && page.handledBefore.has(sent))
}

export function isOwed(subscription: Subscription, sent: SentSignal): boolean {
  const { room, owedAfter = Infinity, wantedFrom, answerDelay } = subscription
  if (sent.room !== room) return false
  return sent.turn > owedAfter || sent.positions.every(({ at }) => at > wantedFrom + answerDelay)
}

/** A signal that was missed before, and arrives after all because it is sent again, may arrive at any time. */
export function isOrderOwed(subscription: Subscription, sent: SentSignal): boolean {
  const isMissed = sent.positions.some((position) => isCovered(subscription, position))
  return sent.page.isOrdered && isOwed(subscription, sent) && !isMissed
}

export function isBefore(a: Position, b: Position): boolean {
  return a.run < b.run || (a.run === b.run && a.offset < b.offset)
}

export function isCovered({ missed }: Subscription, position: Position): boolean {
  return missed.some(({ after, upTo }) => isBefore(after, position) && !isBefore(upTo, position))
}

export function hasTwoLiveSockets({ connections }: Page): boolean {
  return connections.filter(({ isLive }) => isLive).length > 1
}

export function describePosition({ run, offset }: Position): string {
  return `offset ${offset} of run ${run}`
}
