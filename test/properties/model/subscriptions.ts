import { isDeepStrictEqual } from 'node:util'
import type { GapFrame, JoinedFrame } from '../../../src/protocol/frames.js'
import {
  describePosition,
  isBefore,
  isOrderOwed,
  START,
  type Join,
  type Page,
  type SentSignal,
  type Subscription,
} from './records.js'
import { findSignal } from './signals.js'
import { fail, UNLIMITED_HISTORY, type ModelState } from './state.js'

/** How long a connection takes there and back (ms). */
const ROUND_TRIP = 2

/** How long a page counts as one that has just loaded (ms). */
const NAVIGATION_WINDOW = 60_000
/** A client does not take a later answer to a first join, and joins the room again (ms). */
const PROMPT_ANSWER = 250

export function listen(state: ModelState, page: Page, room: string, previous?: Subscription): void {
  if (page.subscriptions.has(room) && !previous) return
  // A page that comes back to a room begins anew.
  const isFirst = !page.visited.has(room)
  if (!state.isStrict) page.visited.add(room)
  const subscription = previous ?? createSubscription(page, room, isFirst)
  page.subscriptions.set(room, subscription)
  subscription.stop = page.context.run(() =>
    page.client.receiveSignal(
      '*',
      (data, { name, id }) => checkReceived(state, page, subscription, { name, id, data }),
      { room },
    ),
  )
}

function createSubscription(page: Page, room: string, isFirst: boolean): Subscription {
  const before = page.answered.has(room) ? undefined : page.inherited.get(room)
  const isSinceNavigation = page.since === 'navigation' && performance.now() - page.origin < NAVIGATION_WINDOW
  return {
    room,
    stop: () => undefined,
    wantedFrom: isFirst && isSinceNavigation ? page.origin : performance.now(),
    answerDelay: ROUND_TRIP,
    run: 0,
    reached: START,
    ...before,
    pageBegan: page.origin,
    isInherited: before !== undefined,
    hasPosition: false,
    toleratedDelay: 0,
    lastTurns: new Map(before?.lastTurns),
    missed: [...(before?.missed ?? [])],
  }
}

/** The relay has answered a join: from now on the page is owed every signal. */
export function recordJoined(
  state: ModelState,
  page: Page,
  { subscription, at }: Join,
  frame: JoinedFrame,
  run: number,
): void {
  if (page.subscriptions.has(frame.room)) page.answered.add(frame.room)
  if (!subscription || page.subscriptions.get(frame.room) !== subscription) return
  if (frame.recovered && !subscription.hasPosition) {
    const delay = performance.now() - at
    if (delay > Math.max(PROMPT_ANSWER, subscription.toleratedDelay)) {
      subscription.toleratedDelay = delay
      return
    }
    if (!state.isStrict) subscription.answerDelay = Math.min(delay, PROMPT_ANSWER)
  }
  page.visited.add(frame.room)
  // Without recovery there is no position before the gap was reported.
  if (!frame.recovered) return
  subscription.owedAfter ??= state.turns
  subscription.hasPosition = true
  subscription.run = run
}

export function recordGap(state: ModelState, page: Page, room: string): void {
  state.tally.gaps += 1
  const { frame, run } = page.handling ?? {}
  if (frame?.type !== 'gap' || frame.room !== room || run === undefined) {
    return fail(state, 'PHANTOM: a gap without a frame')
  }
  const subscription = page.subscriptions.get(room)
  if (subscription) checkGap(state, subscription, frame, run)
}

function checkGap(state: ModelState, subscription: Subscription, gap: GapFrame, run: number): void {
  const { from, offset, reason } = gap
  const { histories, startedAt, trimmedRuns } = state.relay
  const isUnlimited = histories.get(run) === UNLIMITED_HISTORY
  const isFirst = subscription.owedAfter === undefined
  // A page may ask for more time than the relay has run: its navigation is older, or the last answer was late.
  const isOlder = subscription.pageBegan <= (startedAt.get(run) ?? 0)
  const isTrue =
    reason === 'epoch'
      ? isFirst || subscription.run < run || subscription.toleratedDelay > 0 || isOlder
      : !isUnlimited || trimmedRuns.has(run)
  if (!isTrue) fail(state, `GAPS: ${reason} is reported in ${subscription.room}, and is not so`)
  const after = isFirst ? START : { run: reason === 'trimmed' ? run : subscription.run, offset: from }
  // The loss of the old log does not excuse the loss of signals that the new log keeps.
  const isKept = state.isStrict && reason === 'epoch' && !isFirst && isUnlimited
  subscription.missed.push({ after, upTo: { run, offset: isKept ? 0 : offset } })
  subscription.run = run
  subscription.hasPosition = true
  subscription.owedAfter ??= state.turns
}

/** Checks a signal that a receiver is handling. */
function checkReceived(
  state: ModelState,
  page: Page,
  subscription: Subscription,
  { name, id, data }: { readonly name: string; readonly id: string; readonly data: unknown },
): void {
  state.tally.handled += 1
  const { frame, run = 0 } = page.handling ?? {}
  const sent = findSignal(state, data, id)
  if (frame?.type !== 'signal' || !sent) {
    return fail(state, `PHANTOM: page ${page.number} handles ${id}, which no frame contains`)
  }
  const { turn } = sent
  if (page.isClosed || page.isFrozen) fail(state, `Page ${page.number} handles turn ${turn} after it went`)
  if (page.subscriptions.get(subscription.room) !== subscription) {
    fail(state, `Page ${page.number} handles turn ${turn} after stop()`)
  }
  if (name !== sent.name || frame.room !== sent.room || !isDeepStrictEqual(data, sent.data)) {
    fail(state, `PHANTOM: turn ${turn} is not what was sent`)
  }
  checkOnce(state, page, subscription, sent, run)
  const position = { run, offset: frame.offset }
  if (!isBefore(subscription.reached, position)) {
    fail(state, `ORDER: ${describePosition(position)} comes after ${describePosition(subscription.reached)}`)
  }
  subscription.reached = position
  checkOrderOfPage(state, page, subscription, sent)
}

function checkOnce(state: ModelState, page: Page, { isInherited }: Subscription, sent: SentSignal, run: number): void {
  const { turn } = sent
  if (page.handled.has(sent)) fail(state, `DUP: page ${page.number} handles turn ${turn} twice`)
  page.handled.add(sent)
  page.handledIn.set(sent, run)
  // A new run has other positions, and the client forgets the ids that a page has handled with them.
  if (isInherited && page.handledBefore.get(sent) === run) {
    fail(state, `DUP: page ${page.number} handles turn ${turn}, which a page of its tab has handled`)
  }
}

/** Checks that the signals of one page arrive in the order of its calls. */
function checkOrderOfPage(state: ModelState, page: Page, subscription: Subscription, sent: SentSignal): void {
  const { turn } = sent
  const before = subscription.lastTurns.get(sent.page) ?? 0
  const isNew = !page.handledBefore.has(sent)
  // A client does not send a signal again after its time; a request that is under way may arrive however late.
  const isLate = sent.outcome === 'unknown' || (sent.isPosted && sent.ttl !== undefined)
  if (turn <= before && isNew && isOrderOwed(subscription, sent) && (state.isStrict || !isLate)) {
    fail(state, `FIFO: page ${page.number} handles turn ${turn} after ${before}`)
  }
  subscription.lastTurns.set(sent.page, Math.max(turn, before))
}
