import { expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createSignalClient } from '../../src/index.js'
import { connect, startRelay } from '../relay/protocol-client.js'
import { createChance } from './chance.js'
import { startProxy } from './proxy.js'

const WAITING = { timeout: 20_000, interval: 20 }

it('S80 sends nothing of one user under the name of the next who signs in, and hands over nothing that the first missed', async () => {
  vi.stubGlobal('WebSocket', WebSocket)
  onTestFinished(() => void vi.unstubAllGlobals())
  const { url, port } = await startRelay({ authorize: (user) => ({ user }) })
  const proxy = await startProxy({ target: () => port, chance: createChance(1) })
  onTestFinished(() => proxy.close())
  const observer = await connect(url, { token: 'observer' })
  await observer.next('joined')
  let user = 'ann'
  const [heard, gaps]: [unknown[], string[]] = [[], []]
  const page = createSignalClient({
    url: `ws://127.0.0.1:${proxy.port}/signals`,
    connect: 'manual',
    token: () => user,
    onError: () => undefined,
  })
  onTestFinished(() => page.close())
  page.receiveSignal('Saved', (data) => heard.push(data))
  page.onGap(({ reason }) => gaps.push(reason))
  const become = (state: string) => vi.waitFor(() => expect(page.status.state).toBe(state), WAITING)

  page.connect()
  await become('online')
  await page.sendSignal('Saved', 'first of ann')
  await vi.waitFor(() => expect(heard).toHaveLength(1), WAITING)
  // A page that began before the relay did has missed what nobody knows.
  gaps.length = 0
  proxy.refuse(true)
  for (const connection of proxy.connections) connection.cut()
  await become('waiting')
  const second = page.sendSignal('Saved', 'second of ann')
  observer.signal('Saved', 'while ann was away')
  await observer.heard(2)
  user = 'bob'
  proxy.refuse(false)
  await become('online')
  expect((await second).outcome).toBe('dropped')
  expect((await page.sendSignal('Saved', 'first of bob')).outcome).toBe('accepted')
  await vi.waitFor(() => expect(heard).toHaveLength(2), WAITING)

  expect((await observer.heard(3)).map(({ data, sender }) => `${sender.user}: ${String(data)}`)).toEqual([
    'ann: first of ann',
    'observer: while ann was away',
    'bob: first of bob',
  ])
  expect([heard, gaps]).toEqual([['first of ann', 'first of bob'], ['user']])
})
