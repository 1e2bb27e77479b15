import { expect, it, vi } from 'vitest'
import { textFrame } from '../../examples/relay/output/frame.js'
import { createSignalClient, isSignalError, type SignalClient } from '../../src/index.js'
import { decodeClientFrame, decodeRelayFrame } from '../../src/protocol/codec.js'
import { isEdge } from './edges.js'
import { createHostility, RELAY_FRAMES } from './hostile.js'
import { createMemoryConnection, type MemoryConnection } from './memory-connection.js'
import { readPrototypes } from './prototypes.js'
import { IS_FULL, SEED } from './runs.js'
import { createChance, pass, startVirtualTime, stopVirtualTime } from './virtual-time.js'

const FRAMES = IS_FULL ? 1_000_000 : 50_000
const BATCH = 250

it(`a client survives ${FRAMES} frames of a relay that breaks the protocol (seed ${SEED})`, async () => {
  startVirtualTime(SEED)
  const chance = createChance(SEED)
  const hostile = createHostility(RELAY_FRAMES, chance)
  const before = readPrototypes()
  const thrown = new Map<string, string>()
  const nonsense = new Map<string, string>()
  const wrongEdges: string[] = []
  let text = ''
  let connection: MemoryConnection | undefined
  const seen = { arrived: 0, handled: 0, deaths: 0 }

  vi.stubGlobal('WebSocket', function WebSocket(url: string) {
    const mine = createMemoryConnection({
      url,
      onSent: (said) =>
        decodeClientFrame(said).type === 'malformed' && nonsense.set(said.replaceAll(/\d+/g, '0'), text),
      onArrived(arriving, handle) {
        seen.arrived += 1
        text = arriving
        handle()
      },
      // The first frame for each kind of error is enough to repeat it.
      onThrow: (error) => thrown.set(String(error), thrown.get(String(error)) ?? text),
    })
    connection = mine
    setTimeout(() => {
      mine.open()
      if (chance() < 0.9) say(mine, JSON.stringify(RELAY_FRAMES[0]))
    }, 1)
    return mine.page
  })

  function open(): SignalClient {
    const made = createSignalClient({
      url: 'ws://relay.test/signals',
      connect: 'manual',
      protocol: chance() < 0.2 ? 'plain' : 'v1',
      onError: () => undefined,
    })
    let last = made.status
    made.onStatus((status) => {
      if (!isEdge(last, status)) wrongEdges.push(`${last.state} to ${status.state}`)
      last = status
    })
    made.receiveSignal('*', () => (seen.handled += 1))
    made.receiveSignal('Saved', () => undefined, { room: 'side', from: 'others' })
    made.connect()
    return made
  }

  function send(from: SignalClient): void {
    try {
      void from.sendSignal('Saved', seen.arrived)
    } catch (error) {
      // A relay that says it takes next to nothing is believed.
      if (!isSignalError(error) || error.code !== 'too-large') throw error
    }
  }

  let client = open()
  while (seen.arrived < FRAMES) {
    send(client)
    if (connection?.isLive) for (let count = 0; count < BATCH; count++) say(connection, hostile())
    await pass(5)
    if (chance() < 0.1) connection?.ws.close(1000 + Math.floor(chance() * 4000), 'hostile')
    await pass(chance() < 0.1 ? 3000 : 5)
    if (client.status.state === 'waiting' || client.status.state === 'closed') client.connect()
    if (chance() < 0.02) {
      seen.deaths += 1
      client.close()
      client = open()
    }
    await pass(10)
  }
  client.close()
  connection?.cut()
  await pass(100)
  const timers = vi.getTimerCount()
  vi.unstubAllGlobals()
  stopVirtualTime()

  expect([...thrown]).toEqual([])
  expect([...nonsense].slice(0, 5)).toEqual([])
  expect(wrongEdges).toEqual([])
  expect(readPrototypes()).toEqual(before)
  expect(timers).toBe(0)
  // Frames that are never taken for good ones would prove little.
  expect(Math.min(seen.handled, seen.deaths)).toBeGreaterThan(0)
})

// Found here and mended.
it.each([
  ['a refusal whose room is no text', { type: 'refused', code: 'c', text: 't', room: {} }],
  ['a refusal whose id is no text', { type: 'refused', code: 'c', text: 't', id: {} }],
  ['a leave whose text is no text', { type: 'left', room: 'main', code: 'c', text: {} }],
  ['a refusal of a signal whose room is no text: the client throws', { ...RELAY_FRAMES[5], room: { toString: 1 } }],
  ['a joined whose id is no text: the client repeats it to the relay', { ...RELAY_FRAMES[1], id: 1 }],
  ['a gap whose id is no text: the client repeats it to the relay', { ...RELAY_FRAMES[8], id: 1 }],
  ['a welcome whose expiry is no number', { ...RELAY_FRAMES[0], expiresIn: {} }],
  ['a welcome whose user is no text', { ...RELAY_FRAMES[0], user: {} }],
  ['a joined whose epoch is longer than any relay takes back', { ...RELAY_FRAMES[1], epoch: 'e'.repeat(65) }],
])('the client takes for malformed %s', (_what, frame) => {
  expect(decodeRelayFrame(JSON.stringify(frame))).toEqual({ type: 'malformed' })
})

function say({ socket }: MemoryConnection, text: string): void {
  socket.write(textFrame(text))
}
