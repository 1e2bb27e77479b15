import type { SendOutcome } from '../../../src/index.js'
import type { Page, SentSignal } from './records.js'
import { fail, type ModelState } from './state.js'

interface SignalOptions {
  readonly key?: string
  readonly ttl?: number
}

export function publish(
  state: ModelState,
  page: Page,
  room: string,
  value: unknown,
  options: SignalOptions = {},
): void {
  const turn = ++state.turns
  const name = `N${turn % 3}`
  const data: unknown = JSON.parse(JSON.stringify({ turn, value }), (key, part: unknown) =>
    key === '__proto__' ? undefined : part,
  )
  const { key, ttl } = options
  const sent: SentSignal = {
    page,
    room,
    name,
    turn,
    data,
    key,
    ttl,
    positions: [],
    timesSettled: 0,
    isLeft: false,
    isPosted: false,
    isExcused: false,
  }
  state.signals.set(turn, sent)
  const sending = page.context.run(() => page.client.sendSignal(name, { turn, value }, { room, ...options }))
  void sending.then(
    ({ id, outcome }) => recordOutcome(state, sent, id, outcome),
    (error: unknown) => fail(state, `A promise of sendSignal rejected: ${String(error)}`),
  )
}

function recordOutcome(state: ModelState, sent: SentSignal, id: string, outcome: SendOutcome): void {
  sent.timesSettled += 1
  sent.outcome = outcome
  findSignal(state, sent.data, id)
  if (sent.timesSettled > 1) fail(state, `Turn ${sent.turn} settled twice`)
  if (outcome === 'accepted') {
    state.tally.accepted += 1
    if (sent.positions.length === 0) fail(state, `Turn ${sent.turn} is accepted, but in no log`)
  } else if (!['unknown', 'expired', 'dropped', 'closed'].includes(outcome)) {
    fail(state, `Turn ${sent.turn} is ${outcome}`)
  }
}

/** Finds a signal by its data, and checks that it always has the same id. */
export function findSignal(state: ModelState, data: unknown, id: string): SentSignal | undefined {
  const sent = state.signals.get((data as { turn?: unknown } | undefined)?.turn)
  if (sent && id !== (sent.id ??= id)) fail(state, `Turn ${sent.turn} has two ids`)
  return sent
}
