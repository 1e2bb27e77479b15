import { Server, WebSocket as MockWebSocket } from 'mock-socket'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createSignalClient, type SignalClient } from '../../src/index.js'
import { pass } from '../support/mock-relay.js'

const URL = 'ws://broadcast.test/'
let server: Server
let wire: string[]
let clients: SignalClient[]

function plain(): SignalClient {
  const client = createSignalClient({ url: URL, protocol: 'plain' })
  clients.push(client)
  return client
}

/** A server as people write it at home: whatever comes goes to everybody. */
function startBroadcast(): void {
  server = new Server(URL, { mock: false })
  server.on('connection', (socket) => {
    socket.on('message', (text) => {
      wire.push(String(text))
      server.clients().forEach((client) => client.send(text))
    })
  })
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', MockWebSocket)
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  wire = []
  clients = []
  startBroadcast()
})

afterEach(async () => {
  for (const client of clients) client.close()
  await pass()
  server.stop()
  vi.useRealTimers()
})

it('talks to any server that broadcasts JSON, and knows its own signals', async () => {
  const [here, there] = [plain(), plain()]
  const heard: unknown[] = []
  here.receiveSignal('A', (data, { self, replayed }) => heard.push(['here', data, self, replayed]))
  here.receiveSignal('A', () => heard.push('never'), { from: 'others' })
  there.receiveSignal('A', (data, { self }) => heard.push(['there', data, self]))
  there.receiveSignal('A', () => heard.push('other room'), { room: 'side' })
  await pass()
  const result = here.sendSignal('A', { userId: 1 })
  await pass()
  expect((await result).outcome).toBe('sent')
  expect(heard).toEqual([
    ['here', { userId: 1 }, true, false],
    ['there', { userId: 1 }, false],
  ])
  expect(wire).toHaveLength(1)
  expect(JSON.parse(wire[0] ?? '')).toMatchObject({ type: 'signal', signal: 'A', data: { userId: 1 } })
})

it('keeps what is sent while the server is away, and hands it over in order', async () => {
  server.stop()
  const client = plain()
  await pass()
  const results = [client.sendSignal('A', 1), client.sendSignal('A', 2)]
  await pass()
  startBroadcast()
  await pass(10_000)
  expect((await Promise.all(results)).map(({ outcome }) => outcome)).toEqual(['sent', 'sent'])
  expect(wire.map((text) => (JSON.parse(text) as { data: number }).data)).toEqual([1, 2])
})

it('hears a signal that some other program sent', async () => {
  const client = plain()
  const heard = vi.fn()
  client.receiveSignal('ReportIncome', heard)
  await pass()
  server.clients().forEach((socket) => socket.send('{"type":"signal","signal":"ReportIncome","data":5}'))
  expect(heard).toHaveBeenCalledWith(5, expect.objectContaining({ room: 'main', self: false, sender: {} }))
})

it('hears each signal of a name, though none of them has a position', async () => {
  const client = plain()
  const heard: unknown[] = []
  client.receiveSignal('A', (data) => heard.push(data))
  await pass()
  for (const data of [1, 2, 2]) server.clients()[0]?.send(JSON.stringify({ type: 'signal', signal: 'A', data }))
  await pass()
  expect(heard).toEqual([1, 2, 2])
})
