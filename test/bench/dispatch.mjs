/**
 * Frames that a page takes in, per second: parsed and handed to a handler that reads one field. The socket is a fake that
 * injects 500 texts at a time, so that only the client is measured; both clients get the same texts.
 *
 * Usage: node dispatch.mjs signalpost|baseline
 */
import mitt from 'mitt'
import ReconnectingWebSocketModule from 'reconnecting-websocket'
import { createSignalClient } from '../../dist/index.js'

const FRAMES = 200_000
const BATCH = 500

class FakeWebSocket {
  static CLOSING = 2
  static last
  readyState = 0
  listeners = { open: [], message: [], close: [], error: [] }
  constructor() {
    FakeWebSocket.last = this
  }
  addEventListener(type, listener) {
    this.listeners[type].push(listener)
  }
  removeEventListener() {}
  send() {}
  close() {}
  fire(type, event = {}) {
    for (const listener of this.listeners[type]) listener(event)
  }
}
globalThis.WebSocket = FakeWebSocket

let sum = 0
const handle = (data) => {
  sum += data.userId
}

function text(offset) {
  const data = { userId: offset, action: 'refresh', at: '2026-01-01T00:00:00.000Z' }
  const id = `id-${offset}`.padEnd(22, '-')
  return JSON.stringify({
    type: 'signal',
    id,
    signal: 'ReportIncome',
    data,
    room: 'main',
    offset,
    at: 1,
    sender: { tab: 'x' },
  })
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 5))

async function startSignalpost() {
  const client = createSignalClient({ url: 'ws://bench.test/', connect: 'manual' })
  client.receiveSignal('ReportIncome', handle)
  client.connect()
  await tick()
  const socket = FakeWebSocket.last
  socket.readyState = 1
  socket.fire('open')
  const say = (frame) => socket.fire('message', { data: JSON.stringify(frame) })
  say({ type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 900_000 })
  say({ type: 'joined', room: 'main', epoch: 'e', offset: 0, head: 0, recovered: true })
  return socket
}

async function startBaseline() {
  const emitter = mitt()
  emitter.on('ReportIncome', handle)
  const wrapper = new (ReconnectingWebSocketModule.default ?? ReconnectingWebSocketModule)('ws://bench.test/', [])
  wrapper.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(data)
    emitter.emit(frame.signal, frame.data)
  })
  await tick()
  const socket = FakeWebSocket.last
  socket.readyState = 1
  socket.fire('open')
  return socket
}

const socket = await (process.argv[2] === 'signalpost' ? startSignalpost() : startBaseline())
const texts = Array.from({ length: FRAMES }, (_, index) => text(index + 1))
const begin = process.hrtime.bigint()
for (let at = 0; at < FRAMES; at += BATCH) {
  for (const data of texts.slice(at, at + BATCH)) socket.fire('message', { data })
}
const seconds = Number(process.hrtime.bigint() - begin) / 1e9
if (sum !== (FRAMES * (FRAMES + 1)) / 2) throw new Error('Not every frame was handled.')
process.stdout.write(String(Math.round(FRAMES / seconds)))
process.exit(0)
