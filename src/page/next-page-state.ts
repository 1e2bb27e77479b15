import { call } from './dom.js'
import { navigationEntry } from './navigation-entry.js'
import { takeSession, writeSession } from './session-storage.js'

const KEY = 'signalpost refresh'

/** A page older than this ignores the signals that the last page has received (ms). */
const FRESH = 60_000

/** Pages that a refresh replaces sooner than this may form a reload loop (ms). */
const LOOP_TIME = 30_000
export const MAX_RELOADS = 3

/**
 * State for the next page of the frame: when this page last received each signal (epoch ms), the reload count (`laps`), how a refresh loads the next page (`own`), and which
 * addresses show a POST result.
 */
const state: Record<string, number | string> = {}
let lastState: Readonly<Record<string, unknown>> = {}

let hasInput = false
let isPostResultPage = false

/** Takes over the state of the last page, and stores that of this page on every `pagehide` until the signal aborts. */
export function watchPageState(signal: AbortSignal): void {
  lastState = takeSession(KEY) ?? lastState
  const { type, redirectCount } = navigationEntry()
  hasInput = false
  isPostResultPage = lastState[`${type} posted`] === pageAddress() && !redirectCount
  delete state['reload posted']
  if (isPostResultPage) state['reload posted'] = pageAddress()
  for (const event of ['pointerdown', 'keydown']) {
    call(document, 'addEventListener', event, ({ isTrusted }) => (hasInput ||= isTrusted), { capture: true, signal })
  }
  addEventListener('pagehide', () => writeSession(KEY, state), { signal })
}

/** Whether the user has clicked or typed on this page. The browser's own user activation would survive a reload. */
export function hasUserInput(): boolean {
  return hasInput
}

/** Whether this page is the response to a POST without a redirect: only another POST would load it again. */
export function isPostResult(): boolean {
  return isPostResultPage
}

/** Whether this page came by a POST and a redirect; true once. Redirects through another origin count as well. */
export function takeRedirectedPost(): boolean {
  const key = `${navigationEntry().type} posted`
  const isRedirected = lastState[key] !== undefined && !isPostResultPage
  lastState = { ...lastState, [key]: undefined }
  return isRedirected
}

/**
 * Records a signal for the next page of the frame, which may have been rendered before the change. That page asks the relay
 * for newer signals too, but its request takes some time, and signals of that time would be missing.
 */
export function recordReceived(room: string, name: string): void {
  state[`${room} ${name}`] = state[`${room} *`] = Date.now()
}

/** Whether the frame's last page received the signal (`'*'` for any) after the navigation to this page had begun. */
export function wasReceivedDuringLoad(room: string, name: string): boolean {
  const age = performance.now()
  return age < FRESH && Number(lastState[`${room} ${name}`]) > Date.now() - age
}

/** Records that a refresh is about to load the next page. */
export function recordRefresh(own: 'reload' | 'navigate'): void {
  state.laps = 1 + (performance.now() < LOOP_TIME && !hasInput ? reloadCount() : 0)
  state.own = own
}

/** Whether a refresh is about to load the next page. */
export function isRefreshNavigating(): boolean {
  return state.own !== undefined
}

/** Records that the user is about to load another page, and the target of a POST. */
export function recordUserNavigation(posted?: string): void {
  delete state.laps
  delete state.own
  delete state['navigate posted']
  if (posted !== undefined) state['navigate posted'] = pageAddress(posted)
}

/** Whether a refresh of the tab's last page loaded this one. */
export function isLoadedByRefresh(): boolean {
  return lastState.own === (navigationEntry().type ?? '')
}

/**
 * The number of consecutive earlier pages of this tab that a refresh replaced within `LOOP_TIME` and without user input.
 * Pages that send while they load can reload each other for ever: each round of a reload loop waits longer.
 */
export function reloadCount(): number {
  return Math.min(Number(lastState.laps ?? 0), MAX_RELOADS)
}

/** The part of an address that identifies a page. */
function pageAddress(href = location.href): string {
  const { origin, pathname } = new URL(href)
  return origin + pathname
}
