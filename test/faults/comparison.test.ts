import { once } from 'node:events'
import ReconnectingWebSocket from 'reconnecting-websocket'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createChance } from './chance.js'
import { count, type Heard, type Published } from './counters.js'
import { startProxy } from './proxy.js'
import { inWords, record } from './results.js'
import { byLength, SEED } from './run-length.js'
import { pause, quiesce } from './waiting.js'

const SECONDS = byLength(3, 60)
/** Signals per second and publisher. */
const RATE = 100

/** It comes back as soon as the pages of F01 do, so that only what it loses is compared. */
const QUICK = { minReconnectionDelay: 1, maxReconnectionDelay: 200, minUptime: 1 }

/** The relay that everybody writes first: what one client says, all are told. */
async function startBroadcast() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (bytes) => {
      for (const client of server.clients) client.send(String(bytes))
    })
  })
  const address = server.address()
  return { server, port: typeof address === 'object' ? address?.port : undefined }
}

describe('without signalpost', () => {
  it('F16 shows what a broadcasting relay and reconnecting-websocket lose under the cuts of F01', async () => {
    const chance = createChance(SEED)
    const { server, port } = await startBroadcast()
    const proxy = await startProxy({ target: () => port, chance })
    const published: Published[] = []
    const heard = new Map<string, Heard[]>()
    let moves = 0
    let cuts = 0
    const open = () => new ReconnectingWebSocket(`ws://127.0.0.1:${proxy.port}`, [], { WebSocket, ...QUICK })
    const publishers = [open(), open(), open(), open()]
    const receivers = Array.from({ length: 6 }, (_, index) => {
      const list: Heard[] = []
      heard.set(`r${index}`, list)
      const socket = open()
      socket.addEventListener('message', ({ data }) => {
        moves += 1
        const { publisher, number } = JSON.parse(data)
        const place = { epoch: '', offset: list.length + 1 }
        list.push({ type: 'signal', room: '', id: `${publisher} ${number}`, publisher, number, place })
      })
      return socket
    })
    const sockets = [...publishers, ...receivers]
    await quiesce({ progress: () => 0, isLevel: () => sockets.every(({ readyState }) => readyState === 1) })

    const end = performance.now() + SECONDS * 1000
    const cutting = (async () => {
      while (performance.now() < end) {
        await pause(400)
        for (const connection of chance.some(proxy.connections, 0.5)) {
          connection.cut()
          cuts += 1
        }
      }
    })()
    for (let number = 1; performance.now() < end; number += 1) {
      for (const [index, socket] of publishers.entries()) {
        const publisher = `p${index}`
        socket.send(JSON.stringify({ publisher, number }))
        published.push({ publisher, number, room: '', outcome: 'accepted', id: `${publisher} ${number}` })
      }
      await pause(1000 / RATE)
    }
    await cutting
    await quiesce({ progress: () => moves, isLevel: () => sockets.every(({ readyState }) => readyState === 1) })
    const counts = count({ published, heard, logged: new Map(), epochs: new Map() })
    for (const socket of sockets) socket.close()
    await proxy.close()
    server.close()

    await record({
      ...counts,
      id: 'F16',
      title: 'the comparison: a relay that broadcasts, and reconnecting-websocket alone, cut as in F01',
      seconds: SECONDS,
      faults: inWords({ cuts }),
      gapsExpected: 0,
      note: `${((counts.LOST / counts.expected) * 100).toFixed(1)} % lost; reported, not passed`,
    })
    expect(counts.published).toBeGreaterThan(0)
    expect(counts.LOST).toBeGreaterThan(0)
  })
})
