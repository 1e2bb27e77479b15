import type { Rights } from '../../../examples/relay/access/rights.js'
import type { Entry } from '../../../examples/relay/signal-log/log.js'
import type { SignalFrame } from '../../../src/protocol/frames.js'
import { ROOMS } from '../actions.js'
import { textsOf } from '../memory-connection.js'
import { startMemoryRelay } from '../memory-relay.js'
import { findSignal } from './signals.js'
import { fail, type ModelState } from './state.js'

export function startRelay(state: ModelState, history: number): void {
  const { relay, lifetime } = state
  relay.run += 1
  const { run } = relay
  relay.histories.set(run, history)
  relay.startedAt.set(run, performance.now())
  relay.current = startMemoryRelay({
    history,
    rooms: ROOMS,
    ...(lifetime !== undefined && { authorize: (token: string) => rightsOf(state, token) }),
    isRevoked: ({ id }) => Number(id) < relay.firstGoodToken,
    onLogged: (room, entry) => recordEntry(state, room, entry, run),
    onFailure: (error) => fail(state, `The relay failed: ${String(error)}`),
  })
}

/** Starts a relay where none runs, now or after the drain. */
export function startNextRelay(state: ModelState, history: number): void {
  const { relay } = state
  if (relay.isDraining) relay.nextHistory ??= history
  else if (!relay.current) startRelay(state, history)
}

export function killRelay({ relay }: ModelState): void {
  const killed = relay.current
  relay.current = undefined
  killed?.kill()
}

/** Drains the relay, and starts the next one that was asked for meanwhile. */
export function drainRelay(state: ModelState): void {
  const { relay } = state
  const { current } = relay
  if (current) void drain()
  relay.current = undefined

  async function drain(): Promise<void> {
    relay.isDraining = true
    await current?.stop().catch((error: unknown) => fail(state, `The relay could not stop: ${String(error)}`))
    relay.isDraining = false
    if (relay.nextHistory !== undefined) startRelay(state, relay.nextHistory)
    relay.nextHistory = undefined
  }
}

export function troubleRelay({ relay }: ModelState, milliseconds: number, isCarriedOut: boolean): void {
  relay.troubles += 1
  relay.troubleUntil = performance.now() + milliseconds
  relay.current?.trouble(milliseconds, isCarriedOut)
}

export function calmRelay({ relay }: ModelState): void {
  relay.current?.calm()
  relay.troubleUntil = 0
}

export function trimLog({ relay }: ModelState, room: string, kept: number): void {
  relay.trimmedRuns.add(relay.run)
  relay.current?.trim(room, kept)
}

export function issueToken({ relay, lifetime }: ModelState): string {
  const token = String(relay.tokens.size + 1)
  relay.tokens.set(token, { user: 'u', id: token, expires: Date.now() + (lifetime ?? 0) })
  return token
}

export function revokeTokens({ relay }: ModelState): void {
  relay.firstGoodToken = relay.tokens.size + 1
  relay.current?.review()
}

function rightsOf({ relay }: ModelState, token: string): Rights | undefined {
  return Number(token) < relay.firstGoodToken ? undefined : relay.tokens.get(token)
}

function recordEntry(state: ModelState, room: string, { frame, offset }: Entry, run: number): void {
  const [text = ''] = textsOf(frame)
  const { id, data } = JSON.parse(text) as SignalFrame
  const sent = findSignal(state, data, id)
  if (!sent || sent.room !== room) return fail(state, `PHANTOM: ${text} was logged in ${room}, but not sent to it`)
  if (sent.positions.some((position) => position.run === run)) {
    fail(state, `DUP: turn ${sent.turn} was logged twice in one run`)
  }
  sent.positions.push({ run, offset, at: performance.now() })
}
