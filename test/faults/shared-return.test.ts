import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { STABLE_AFTER } from '../../src/connection/timing.js'
import { createSignalClient, type SignalClient } from '../../src/index.js'
import { sharedTransport } from '../../src/tabs/index.js'
import { createFakeChannels } from '../support/fake-channel.js'
import { createFakeLocks } from '../support/fake-locks.js'
import { findFreePort } from '../support/free-port.mjs'
import { createRelayProcess, removeBundle } from './relay-under-test.js'
import { inSeconds, record } from './results.js'
import { byLength } from './run-length.js'
import { tapSockets } from './socket-tap.js'
import { until } from './waiting.js'

const BROWSERS = 200
const TABS = 10
/** All tabs are back this soon after a relay that restarts at once (ms). In short runs, the machine may be busy. */
const SOON = 10_000

afterAll(removeBundle)
afterEach(() => void vi.unstubAllGlobals())

it('F31 has 200 browsers of ten tabs back on 200 connections', async () => {
  vi.stubGlobal('navigator', { locks: createFakeLocks() })
  vi.stubGlobal('BroadcastChannel', createFakeChannels().FakeChannel)
  const relay = createRelayProcess([], await findFreePort())
  await relay.start()
  let dials = 0
  let handshakes = 0
  const tap = tapSockets({
    onDial: () => (dials += 1),
    onOpen: () => (handshakes += 1),
    onSaid: () => undefined,
    onTold: () => undefined,
  })
  const clients: SignalClient[] = []
  for (let browser = 0; browser < BROWSERS; browser += 1) {
    // Tabs with the same address share a connection: each browser of this process has an address of its own.
    const url = `ws://127.0.0.1:${relay.port}/signals?client=b${browser}`
    for (let tab = 0; tab < TABS; tab += 1) {
      const client = createSignalClient({
        url,
        connect: 'manual',
        since: 'now',
        transport: sharedTransport(),
        onError: () => undefined,
      })
      client.receiveSignal('*', () => undefined)
      client.connect()
      clients.push(client)
    }
    if (browser % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // An earlier end of a connection belongs to the same outage, and waits would be longer.
  const areStable = (): boolean =>
    clients.every(({ status }) => status.state === 'online' && Date.now() - status.since > STABLE_AFTER)
  const areOnline = (): boolean => clients.every(({ status }) => status.state === 'online')
  expect([await until(areOnline, 60_000), dials]).toEqual([true, BROWSERS])

  const results = []
  for (const end of ['leave', 'kill'] as const) {
    await until(areStable, 60_000)
    dials = 0
    handshakes = 0
    await relay[end]()
    await until(() => clients.every(({ status }) => status.state !== 'online'), 60_000)
    const failed = dials
    await relay.start()
    const startedAt = performance.now()
    const isBack = await until(areOnline, 60_000)
    const back = performance.now() - startedAt
    const health = await fetch(`http://127.0.0.1:${relay.port}/health`)
    const { connections, sockets } = (await health.json()) as { connections: number; sockets: number }
    results.push({ isBack, back, dials: dials - failed, handshakes, connections, sockets })
  }

  for (const client of clients) client.close()
  await until(() => tap.open.size === 0, 10_000)
  const LEAK = tap.open.size
  tap.remove()
  await relay.stop()
  await record({
    id: 'F31',
    title: `${BROWSERS} browsers with ${TABS} tabs on one connection each lose a relay that restarts at once`,
    LEAK,
    seconds: results.reduce((sum, { back }) => sum + back, 0) / 1000,
    faults: '1 SIGTERM, 1 SIGKILL',
    note: results
      .map(
        ({ back, dials, handshakes }) =>
          `all back after ${inSeconds(back)} s, ${dials} dials, ${handshakes} handshakes`,
      )
      .join('; '),
  })
  expect(LEAK).toBe(0)
  for (const { isBack, back, connections, sockets } of results) {
    const expected = { isBack: true, isSoon: true, connections: BROWSERS * TABS, sockets: BROWSERS }
    expect({ isBack, isSoon: byLength(true, back < SOON), connections, sockets }).toEqual(expected)
  }
})
