import { createSignalClient, type SignalClient, type SignalStatus } from '../../../src/index.js'
import type { Farewell } from '../actions.js'
import { isEdge } from '../edges.js'
import type { BrowserContext } from '../fake-browser.js'
import type { Page, SentSignal, Subscription, Tab } from './records.js'
import { issueToken } from './relay-life-cycle.js'
import { fail, type ModelState } from './state.js'
import { listen, recordGap } from './subscriptions.js'

/** Errors that `onError` may report where every part follows the protocol. */
const EXPECTED_ERRORS = new Set(['expired', 'unreachable', 'no-protocol', 'outbox-full'])

/** Maximum age of a stored position, by the wall clock (ms). */
const POSITION_AGE = 60_000
/** Maximum age of a stored signal (ms): longer than a scenario, unless the wall clock jumps. */
const SIGNAL_AGE = 300_000

type Since = Page['since']

/** Opens a page in a slot, in a new tab or in the tab that is there. */
export function openPage(state: ModelState, slot: number, since: Since): void {
  const { pages, tabs } = state
  if (pages[slot]) return
  // A tab whose pages were all closed begins anew.
  if (tabs[slot]) showNextPage(state, slot, since)
  else loadPage(state, slot, (tabs[slot] = { storage: new Map() }), since, 0)
}

/** Loads the next page of a tab, which listens to the same rooms as the last one. */
export function showNextPage(state: ModelState, slot: number, since: Since, isSlow = false): void {
  const tab = state.tabs[slot]
  const { left } = tab ?? {}
  if (state.pages[slot] || !tab || !left) return
  const page = loadPage(state, slot, tab, since, isSlow ? left.at : performance.now())
  tab.left = undefined
  state.tally.arrivals += 1
  for (const room of left.page.subscriptions.keys()) listen(state, page, room)
}

function loadPage(state: ModelState, slot: number, tab: Tab, since: Since, origin: number): Page {
  const number = state.everyPage.length
  const posts: string[] = []
  const unexpected: string[] = []
  const context = state.browser.open({
    origin,
    storage: tab.storage,
    onStore: () => state.everyPage[number]?.isClosed && fail(state, `Page ${number} stores something after close()`),
    onPost: (body) => posts.push(body),
  })
  const client = createClient(state, context, since, unexpected)
  const { left } = tab
  const age = ageOf(tab)
  if (age > SIGNAL_AGE) excuseSignals(state, tab)
  const page: Page = {
    number,
    tab,
    context,
    origin,
    client,
    since,
    inherited: new Map(since === 'navigation' && left && age < POSITION_AGE ? positionsOf(left.page) : []),
    handledBefore: new Map([...(left?.page.handledBefore ?? []), ...(left?.page.handledIn ?? [])]),
    handledIn: new Map(),
    answered: new Set(),
    posts,
    isFrozen: false,
    subscriptions: new Map(),
    visited: new Set(),
    handled: new Set(),
    connections: [],
    lastingTampering: new Map(),
    isOrdered: true,
    unexpected,
    status: client.status,
    isClosed: false,
  }
  state.everyPage[number] = page
  state.pages[slot] = page
  context.run(() => {
    client.onStatus((status) => recordStatus(state, page, status))
    client.onGap((gap) => recordGap(state, page, gap.room))
    client.connect()
  })
  return page
}

function createClient(state: ModelState, context: BrowserContext, since: Since, unexpected: string[]): SignalClient {
  const { lifetime } = state
  return context.run(() =>
    createSignalClient({
      url: 'ws://relay.test/signals',
      connect: 'manual',
      since,
      ...(lifetime !== undefined && { token: () => issueToken(state) }),
      onError: ({ code, message }) =>
        EXPECTED_ERRORS.has(code) || (lifetime && code === 'unauthorized') || unexpected.push(`${code} ${message}`),
    }),
  )
}

function positionsOf({ subscriptions }: Page): [string, Subscription][] {
  return [...subscriptions].filter(([, { owedAfter }]) => owedAfter !== undefined)
}

function recordStatus(state: ModelState, page: Page, status: SignalStatus): void {
  if (!isEdge(page.status, status)) fail(state, `Page ${page.number} went from ${page.status.state} to ${status.state}`)
  if (page.isClosed && status.state !== 'closed') fail(state, `Page ${page.number} is ${status.state} after close()`)
  page.status = status
}

/** The user goes somewhere else, and the browser keeps the page in its back/forward cache, or destroys it. */
export function leavePage(state: ModelState, slot: number, isKept: boolean, farewell: Farewell): void {
  const [page, tab] = [state.pages[slot], state.tabs[slot]]
  if (!page || !tab) return
  state.pages[slot] = undefined
  thaw(page)
  for (const sent of unsettledSignals(state)) if (sent.page.tab === tab) sent.isLeft = true
  suspend(state, page, farewell, () => page.context.happen('pagehide', 'window', { persisted: isKept }))
  tab.left = { page, at: performance.now(), wallAt: Date.now() }
  if (!isKept) return destroyPage(state, page)
  if (tab.kept) destroyPage(state, tab.kept)
  tab.kept = page
}

export function freezePage(state: ModelState, page: Page): void {
  suspend(state, page, 'arrives', () => page.context.happen('freeze', 'document'))
}

/** Suspends a page by an event, and lets its farewell arrive, arrive late, or get lost. */
function suspend(state: ModelState, page: Page, farewell: Farewell, dispatch: () => void): void {
  // The time of a brief signal may run out on its way.
  const waiting = unsettledSignals(state).filter((sent) => sent.page === page && sent.ttl === undefined)
  dispatch()
  if (page.connections.some(({ isLive }) => isLive)) {
    fail(state, `Page ${page.number} keeps its socket when it is suspended`)
  }
  page.isFrozen = true
  page.context.hold(true)
  for (const sent of unsettledSignals(state)) if (sent.page.tab === page.tab) sent.isPosted = true
  for (const body of page.posts.splice(0)) {
    if (farewell === 'lost') continue
    setTimeout(() => state.relay.current?.post(body), farewell === 'late' ? 3000 : 1)
  }
  checkFarewell(state, waiting, farewell)
}

/** Where nothing is wrong, the signals of a page that was left need no other page. */
function checkFarewell(state: ModelState, waiting: readonly SentSignal[], farewell: Farewell): void {
  const { relay, lifetime } = state
  const { current, troubles, troubleUntil } = relay
  const isCertain = farewell === 'arrives' && lifetime === undefined && performance.now() > troubleUntil
  setTimeout(() => {
    if (!isCertain || !current || current !== relay.current || relay.troubles > troubles) return
    const unsent = waiting.find(({ positions }) => positions.length === 0)
    if (unsent) fail(state, `LOST: turn ${unsent.turn} did not leave with its page`)
  }, 3)
}

function unsettledSignals({ signals }: ModelState): SentSignal[] {
  return [...signals.values()].filter(({ timesSettled }) => timesSettled === 0)
}

function thaw(page: Page): void {
  page.isFrozen = false
  page.context.hold(false)
}

export function resumePage(page: Page): void {
  if (!page.isFrozen) return
  thaw(page)
  page.context.happen('resume', 'document')
}

/** The browser destroys a page: none of its code runs any more. */
function destroyPage(state: ModelState, page: Page): void {
  page.isFrozen = false
  endPage(state, page)
}

export function destroyKeptPage(state: ModelState, tab: Tab): void {
  if (tab.kept) destroyPage(state, tab.kept)
  tab.kept = undefined
}

/** The user goes back to the page in the back/forward cache. */
export function goBack(state: ModelState, slot: number): void {
  const tab = state.tabs[slot]
  const page = tab?.kept
  if (!tab || !page) return
  tab.kept = undefined
  leavePage(state, slot, false, 'arrives')
  if (ageOf(tab) > SIGNAL_AGE) excuseSignals(state, tab)
  tab.left = undefined
  state.pages[slot] = page
  state.tally.returns += 1
  thaw(page)
  page.context.happen('pageshow', 'window', { persisted: true })
}

/** How long ago, by the wall clock, the user left the last page of a tab (ms). */
function ageOf({ left }: Tab): number {
  return left ? Math.max(0, Date.now() - left.wallAt) : 0
}

function excuseSignals({ signals }: ModelState, tab: Tab): void {
  for (const sent of signals.values()) if (sent.page.tab === tab) sent.isExcused = true
}

/** The application closes its client, and the tab. */
export function closeTab(state: ModelState, slot: number): void {
  const { pages, tabs } = state
  const [page, tab] = [pages[slot], tabs[slot]]
  pages[slot] = tabs[slot] = undefined
  if (tab) excuseSignals(state, tab)
  for (const each of [page, tab?.kept]) if (each) endPage(state, each)
}

function endPage(state: ModelState, page: Page): void {
  page.isClosed = true
  page.posts.length = 0
  page.context.run(page.client.close)
  const { number, context, connections } = page
  context.happen('pagehide', 'window', { persisted: false })
  if (page.posts.length > 0) fail(state, `Page ${number} says farewell after close()`)
  if (page.client.status.state !== 'closed') fail(state, `Page ${number} is not closed after close()`)
  if (context.timers > 0) fail(state, `LEAK: ${context.timers} timers of page ${number} stay behind after close()`)
  if (context.listeners > 0) {
    fail(state, `LEAK: ${context.listeners} listeners of page ${number} stay behind after close()`)
  }
  if (connections.some(({ isLive }) => isLive)) fail(state, `LEAK: page ${number} has a socket after close()`)
}
