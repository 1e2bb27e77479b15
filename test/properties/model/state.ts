import type { Rights } from '../../../examples/relay/access/rights.js'
import { installFakeBrowser, type FakeBrowser } from '../fake-browser.js'
import type { MemoryRelay } from '../memory-relay.js'
import type { Page, SentSignal, Tab, Tally } from './records.js'

/** A history that no scenario fills. */
export const UNLIMITED_HISTORY = 1000

export interface ModelOptions {
  /** Signals that the first relay keeps per room. */
  readonly history: number
  /** How long a token is good (ms). @default no page needs a token */
  readonly lifetime?: number | undefined
  /** Whether what is known to be open (see `seeds.ts`) counts as a failure too. @default false */
  readonly isStrict?: boolean
}

interface RelayState {
  current: MemoryRelay | undefined
  /** Counts the processes of the relay. */
  run: number
  readonly histories: Map<number, number>
  /** When each run of the relay began, in virtual time (ms). */
  readonly startedAt: Map<number, number>
  readonly trimmedRuns: Set<number>
  /** A process that drains holds the port: the next one begins when it has ended. */
  isDraining: boolean
  nextHistory: number | undefined
  troubleUntil: number
  troubles: number
  readonly tokens: Map<string, Rights>
  firstGoodToken: number
}

export interface ModelState {
  readonly lifetime: number | undefined
  readonly isStrict: boolean
  readonly tally: Tally
  readonly browser: FakeBrowser
  readonly relay: RelayState
  /** By turn, which is part of the data. */
  readonly signals: Map<unknown, SentSignal>
  /** By slot: the page that is shown, and its tab. */
  readonly pages: (Page | undefined)[]
  readonly tabs: (Tab | undefined)[]
  readonly everyPage: Page[]
  turns: number
  readonly failures: string[]
}

export function createState({ lifetime, isStrict = false }: ModelOptions): ModelState {
  return {
    lifetime,
    isStrict,
    tally: { accepted: 0, handled: 0, gaps: 0, covered: 0, connections: 0, arrivals: 0, returns: 0, rescued: 0 },
    browser: installFakeBrowser(),
    relay: {
      current: undefined,
      run: 0,
      histories: new Map(),
      startedAt: new Map(),
      trimmedRuns: new Set(),
      isDraining: false,
      nextHistory: undefined,
      troubleUntil: 0,
      troubles: 0,
      tokens: new Map(),
      firstGoodToken: 0,
    },
    signals: new Map(),
    pages: [],
    tabs: [],
    everyPage: [],
    turns: 0,
    failures: [],
  }
}

export function fail({ failures }: ModelState, what: string): void {
  failures.push(what)
}

export function shownPages({ pages }: ModelState): Page[] {
  return pages.filter((page) => page !== undefined)
}
