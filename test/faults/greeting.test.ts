import { describe, expect, it, onTestFinished } from 'vitest'
import type { RelayOptions } from '../../examples/relay/relay.js'
import { createChance } from './chance.js'
import { openPage, type Page } from './page.js'
import { startProxy } from './proxy.js'
import { createRelayHere } from './relay-under-test.js'
import { SEED } from './run-length.js'
import { tapSockets } from './socket-tap.js'
import { until } from './waiting.js'

/** How long a frame takes either way, in milliseconds: pages do things while the welcome is on its way. */
const LATENCY = 100

/** Two pages of one relay that runs here; what `slow` says and hears takes its time. */
async function setUp(options: RelayOptions = {}) {
  const hellos = new Set<string>()
  const tap = tapSockets({ onSaid: (name, { type }) => void (type === 'hello' && hellos.add(name)), onTold: () => {} })
  const relay = createRelayHere(options)
  await relay.start()
  const proxy = await startProxy({ target: () => relay.port, chance: createChance(SEED) })
  proxy.shape({ latency: [LATENCY, LATENCY] })
  const open = (name: string, port: number): Page =>
    openPage({ name, port, token: name, returns: 'by itself', impatience: () => 0 })
  const slow = open('slow', proxy.port)
  const quick = open('quick', relay.port ?? 0)
  onTestFinished(async () => {
    slow.close()
    quick.close()
    await proxy.close()
    await relay.stop()
    tap.remove()
  })
  const isGreeting = (): boolean => hellos.has('slow') && slow.client.status.state === 'connecting'
  const areOnline = (): boolean => [slow, quick].every(({ client }) => client.status.state === 'online')
  return { slow, quick, isGreeting, areOnline }
}

describe('a page and its relay', () => {
  it('agree on a room that is first wanted while the welcome is on its way', async () => {
    const { slow, quick, isGreeting, areOnline } = await setUp()
    const heard: unknown[] = []
    const wasGreeting = await until(isGreeting, 5000)
    slow.client.receiveSignal('A', (data) => heard.push(data))
    await until(areOnline, 5000)
    const { outcome } = await quick.client.sendSignal('A', 1)
    await until(() => heard.length > 0, 2000)
    expect({ wasGreeting, outcome, heard }).toEqual({ wasGreeting: true, outcome: 'accepted', heard: [1] })
  })

  it('agree on the user again when a page that is online gets the token of another one', async () => {
    const { slow, quick, areOnline } = await setUp({ authorize: (user) => ({ user }) })
    const heard: unknown[] = []
    quick.client.receiveSignal('A', (data, { sender }) => heard.push([data, sender.user]))
    await until(areOnline, 5000)
    slow.client.setToken('other')
    await until(() => slow.client.status.state !== 'online', 5000)
    void slow.client.sendSignal('A', 1)
    await until(() => heard.length > 0, 5000)
    expect([heard, [...slow.errors.keys()]]).toEqual([[[1, 'other']], []])
  })
})
