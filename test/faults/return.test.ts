import { findFreePort } from '../support/free-port.mjs'
import { afterAll, describe, expect, it } from 'vitest'
import { openPage } from './page.js'
import { createRelayProcess, removeBundle } from './relay-under-test.js'
import { inSeconds, record } from './results.js'
import { byLength } from './run-length.js'
import { tapSockets, type SocketListener } from './socket-tap.js'
import { countTimers } from './timers.js'
import { pause, until } from './waiting.js'

afterAll(removeBundle)

/** As many as anchors ask for in a whole run; in a short one fewer, whose share in a moment is more of a chance. */
const CLIENTS = byLength(400, 2000)
const ROUNDS = byLength(1, 10)
/** How long the relay is away, as far as it starts in time, in milliseconds: the RestartSec of the systemd unit. */
const AWAY = 2000
/** After so many times as long as the relay was away, everybody is back: 3 s where it was away for 2. */
const SOON = 1.5
/** No more than this share of the clients may come in any 100 ms. */
const PEAK = 0.15
/** What chance adds to a share of few clients, in all but one of thousands of rounds. */
const CHANCE = 3.5 * Math.sqrt((PEAK * (1 - PEAK)) / CLIENTS)
/** An office of 200 people with ten tabs each, behind one address. */
const OFFICE = 2000
/** All of them are back this soon after a relay that said goodbye, and after one that died, in milliseconds. */
const OFFICE_BACK = { leave: 10_000, kill: 30_000 } as const

/** What one death of the relay led to; times are in milliseconds after its return. */
interface Return {
  /**
   * When each client meant to begin the handshake that brought it back. A busy machine makes timers late and bunches
   * what they do; what is judged here is what the clients chose.
   */
  readonly handshakes: readonly number[]
  readonly lastBack: number
  /** How long the relay was really away. */
  readonly away: number
  readonly dials: number
}

interface Loss {
  readonly clients: number
  /** How the relay ends, each time. */
  readonly ends: readonly ('kill' | 'leave')[]
  /** How long the relay is away after a kill at least, in milliseconds; after a SIGTERM it starts again at once. */
  readonly absence: number
  /** Further options of the relay's command. */
  readonly args?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}

/** All clients go online, stay for longer than the wait before a first dial may grow, and lose their relay together. */
async function loseAndReturn({ clients, ends, absence, args = [], headers = {} }: Loss) {
  const timersBefore = countTimers()
  const port = await findFreePort()
  const relay = createRelayProcess(args, port)
  // Once before it counts, because the first start also bundles the command.
  await relay.start()
  await relay.kill()
  const startedAt = performance.now()
  await relay.start()
  // A relay that is called back so much earlier answers again when it should.
  const starting = Math.min(absence, performance.now() - startedAt)
  const plannedFor = new Map<string, number>()
  const backAt = new Map<string, number>()
  let dials = 0
  const listener: SocketListener = {
    onDial() {
      dials += 1
    },
    onSaid: () => undefined,
    onTold(client, { type }) {
      if (type === 'welcome') backAt.set(client, Date.now())
    },
  }
  const tap = tapSockets(listener, { headers })
  const names = Array.from({ length: clients }, (_, index) => `c${index}`)
  const pages = []
  for (const name of names) {
    const page = openPage({ name, port, returns: 'by itself', impatience: () => 0 })
    page.client.onStatus((status) => {
      if (status.state === 'waiting') plannedFor.set(name, status.retryAt)
    })
    pages.push(page)
    if (pages.length % 50 === 0) await pause(20)
  }
  const returns: Return[] = []
  for (const end of ends) {
    await until(() => backAt.size === clients, 60_000)
    await pause(STABLE)
    backAt.clear()
    dials = 0
    await relay[end]()
    const leftAt = Date.now()
    if (end === 'kill') await pause(absence - starting)
    await relay.start()
    const returnedAt = Date.now()
    await until(() => backAt.size === clients, 60_000)
    returns.push({
      handshakes: names.map((name) => (plannedFor.get(name) ?? Infinity) - returnedAt),
      lastBack: Math.max(...names.map((name) => (backAt.get(name) ?? Infinity) - returnedAt)),
      away: returnedAt - leftAt,
      dials,
    })
  }
  for (const page of pages) page.close()
  await until(() => tap.open.size === 0 && countTimers() <= timersBefore, 10_000)
  const LEAK = tap.open.size + Math.max(0, countTimers() - timersBefore)
  tap.remove()
  await relay.stop()
  return { returns, LEAK }
}

/** A connection that lived for so long was a good one: the next wait begins small. */
const STABLE = 5500

/** The largest share of clients that came within any 100 ms. */
function peakOf(handshakes: readonly number[]): number {
  const sorted = handshakes.toSorted((one, other) => one - other)
  let first = 0
  let most = 0
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= 100) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most / handshakes.length
}

describe('when a relay with many clients dies', () => {
  it('F25 has all clients back within 1.5 times as long as it was away, and never too many at once', async () => {
    const { returns, LEAK } = await loseAndReturn({
      clients: CLIENTS,
      ends: Array<'kill'>(ROUNDS).fill('kill'),
      absence: AWAY,
    })
    // Each round by itself: a crowd in one of them must not hide among the others.
    const peak = Math.max(...returns.map(({ handshakes }) => peakOf(handshakes)))
    const lastBack = Math.max(...returns.map(({ lastBack }) => lastBack))
    const lastDial = Math.max(...returns.flatMap(({ handshakes }) => handshakes))
    const away = Math.max(...returns.map(({ away }) => away))
    const dials = returns.reduce((sum, { dials }) => sum + dials, 0) / ROUNDS / CLIENTS
    await record({
      id: 'F25',
      title: `${CLIENTS} clients lose a relay that is away for ${inSeconds(AWAY)} s`,
      LEAK,
      seconds: (ROUNDS * (AWAY + lastBack)) / 1000,
      faults: `${ROUNDS} kills`,
      note: `away for up to ${inSeconds(away)} s; the last dial meant for ${inSeconds(lastDial)} s after the return, all back after ${inSeconds(lastBack)} s; at most ${(peak * 100).toFixed(1)} % of a round in 100 ms; ${dials.toFixed(1)} dials each`,
    })
    expect(LEAK).toBe(0)
    expect(peak).toBeLessThanOrEqual(byLength(PEAK + CHANCE, PEAK))
    for (const { handshakes, lastBack, away } of returns) {
      // In a short run the machine may be busy with other things.
      expect(byLength(Math.max(...handshakes), lastBack) / away).toBeLessThanOrEqual(SOON)
    }
  })

  it('F26 has an office of 2,000 tabs behind one address back, with the default limits', async () => {
    const ends = ['leave', 'kill'] as const
    const { returns, LEAK } = await loseAndReturn({
      clients: OFFICE,
      ends,
      absence: 0,
      args: ['--trust-proxy'],
      headers: { 'X-Forwarded-For': '203.0.113.7' },
    })
    const peaks = returns.map(({ handshakes }) => peakOf(handshakes))
    const [left, killed] = returns.map(({ lastBack }) => inSeconds(lastBack))
    await record({
      id: 'F26',
      title: `${OFFICE} clients of one address lose a relay that restarts at once`,
      LEAK,
      seconds: returns.reduce((sum, { away, lastBack }) => sum + away + lastBack, 0) / 1000,
      faults: '1 SIGTERM, 1 SIGKILL',
      note: `all back ${left} s after the SIGTERM's restart, ${killed} s after the kill's; at most ${peaks.map((peak) => (peak * 100).toFixed(1)).join(' and ')} % in 100 ms; ${returns.map(({ dials }) => (dials / OFFICE).toFixed(1)).join(' and ')} dials each`,
    })
    expect(LEAK).toBe(0)
    for (const [index, { handshakes, lastBack, away }] of returns.entries()) {
      expect(peaks[index]).toBeLessThanOrEqual(byLength(PEAK + CHANCE, PEAK))
      // In a short run the machine may be busy with other things.
      const back = byLength(Math.max(...handshakes), lastBack) + away
      expect(back).toBeLessThanOrEqual(OFFICE_BACK[ends[index] ?? 'kill'])
    }
  })
})
