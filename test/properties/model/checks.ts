import { pass } from '../virtual-time.js'
import { describePosition, hasHandled, hasTwoLiveSockets, isAccepted, isCovered, isOwed, isUnsent } from './records.js'
import type { Page, SentSignal, Subscription } from './records.js'
import { fail, shownPages, type ModelState } from './state.js'

/** Checks what holds at every moment, and throws all failures up to now. */
export function checkAlways(state: ModelState): void {
  for (const page of state.everyPage) {
    const { number, unexpected } = page
    if (hasTwoLiveSockets(page)) fail(state, `Page ${number} has two live sockets`)
    if (unexpected.length > 0) fail(state, `Page ${number} received: ${unexpected.map(String).join('; ')}`)
    if (page.status !== page.client.status) fail(state, `Page ${number} received no event about its status`)
  }
  for (const { turn, outcome, positions } of state.signals.values()) {
    const hasNeverLeft = outcome === 'expired' || outcome === 'dropped'
    if (hasNeverLeft && positions.length > 0) fail(state, `PHANTOM: turn ${turn} is ${outcome}, and in the log`)
  }
  if (state.failures.length > 0) throw new Error(state.failures.join('\n'))
}

/** Checks pages that are online on a connection that works: they have what they are owed. */
export async function checkOnlinePages(state: ModelState): Promise<void> {
  const before = new Map(shownPages(state).map((page) => [page, page.connections.at(-1)]))
  await pass(2000)
  const healthy = shownPages(state).filter((page) => isHealthy(page) && before.get(page) === page.connections.at(-1))
  if (state.relay.current) {
    // Signals that were logged later may still be on their way.
    checkDelivered(state, healthy, performance.now() - 100)
    checkAnswered(state, healthy)
  }
  checkAlways(state)
}

function isHealthy({ status, connections }: Page): boolean {
  return status.state === 'online' && !connections.at(-1)?.isStalled
}

/** Checks that pages have handled every signal that was logged before a time, or know of its loss. */
export function checkDelivered(state: ModelState, pages: readonly Page[], before = Infinity): void {
  for (const page of pages) {
    for (const subscription of page.subscriptions.values()) {
      for (const sent of state.signals.values()) {
        if (sent.positions.some(({ at }) => at > before)) continue
        checkSignalDelivered(state, page, subscription, sent)
      }
    }
  }
}

function checkSignalDelivered(state: ModelState, page: Page, subscription: Subscription, sent: SentSignal): void {
  if (!isAccepted(sent) || hasHandled(page, subscription, sent) || !isOwed(subscription, sent)) return
  const uncovered = sent.positions.find((position) => !isCovered(subscription, position))
  if (!uncovered) state.tally.covered += 1
  else {
    const position = describePosition(uncovered)
    fail(state, `LOST: page ${page.number} never received turn ${sent.turn}, ${position} of ${sent.room}`)
  }
}

/** Checks that the relay answered every subscription with a position or a gap. */
export function checkAnswered(state: ModelState, pages: readonly Page[]): void {
  for (const { number, subscriptions } of pages) {
    for (const { owedAfter, room } of subscriptions.values()) {
      if (owedAfter === undefined) fail(state, `GAPS: page ${number} received neither a position nor a gap in ${room}`)
    }
  }
}

/** Lets time pass until every promise has settled and every page is online. */
export async function waitForRest(state: ModelState): Promise<void> {
  for (let waited = 0; waited < 40 && !isAtRest(state); waited++) await pass(2000)
  // The last frames that are on their way to the receivers.
  await pass(20)
  checkAlways(state)
  if (isAtRest(state)) return
  const states = shownPages(state).map(({ number, client }) => `page ${number} is ${client.status.state}`)
  const open = [...state.signals.values()].filter(({ timesSettled }) => timesSettled === 0)
  const unsent = [...state.signals.values()].find(isUnsent)
  if (unsent) throw new Error(`LOST: no page sent turn ${unsent.turn} after its own page had gone`)
  throw new Error(`No rest within 80 s: ${states.join(', ')}; ${open.length} promises are open`)
}

function isAtRest(state: ModelState): boolean {
  const isSettled = [...state.signals.values()].every((sent) => sent.timesSettled === 1 && !isUnsent(sent))
  const areOnline = shownPages(state).every(({ client }) => client.status.state === 'online')
  return !state.relay.isDraining && isSettled && areOnline
}
