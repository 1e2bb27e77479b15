/**
 * Frames that a page in Chromium takes in, per second: from a real connection to a handler that reads one field. All
 * clients get the same data, in frames with everything that the protocol of each carries.
 */
import { WebSocketServer } from 'ws'
import { bundle, openChromium } from './chromium.mjs'
import { HANDSHAKES } from './handshakes.mjs'

const CLIENTS = {
  signalpost: `
    import { createSignalClient } from '../../dist/index.js'
    const client = createSignalClient({ url: '/signalpost' })
    client.receiveSignal('ReportIncome', handle)`,
  baseline: `
    import mitt from 'mitt'
    import ReconnectingWebSocket from 'reconnecting-websocket'
    const emitter = mitt()
    emitter.on('ReportIncome', handle)
    const socket = new ReconnectingWebSocket(origin + '/baseline')
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(data)
      emitter.emit(frame.signal, frame.data)
    })
    socket.addEventListener('open', () => socket.send('{"type":"hello"}'))`,
  EventSource: `
    const source = new EventSource('/events')
    source.addEventListener('ReportIncome', ({ data }) => handle(JSON.parse(data)))`,
  centrifuge: `
    import { Centrifuge } from 'centrifuge'
    const client = new Centrifuge(origin + '/centrifuge')
    const subscription = client.newSubscription('main')
    subscription.on('publication', ({ data }) => handle(data))
    subscription.subscribe()
    client.connect()`,
  anycable: `
    import { createCable } from '@anycable/core'
    const cable = createCable(origin + '/anycable')
    cable.subscribeTo('ReportChannel').on('message', handle)`,
}

const countTo = (frames) => `
  const origin = location.origin.replace('http', 'ws')
  let count = 0, sum = 0, begin = 0
  function handle(data) {
    if (count === 0) begin = performance.now()
    sum += data.userId
    count += 1
    if (count === ${frames}) globalThis.perSecond = Math.round((count / (performance.now() - begin)) * 1000)
  }`

const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 900_000 }
const joined = { type: 'joined', room: 'main', epoch: 'e', offset: 0, head: 0, recovered: true }

function dataOf(offset) {
  return { userId: offset, action: 'refresh', at: '2026-01-01T00:00:00.000Z' }
}

function signalOf(offset) {
  const id = `id-${offset}`.padEnd(22, '-')
  const rest = { room: 'main', offset, at: 1, sender: { tab: 'x' } }
  return JSON.stringify({ type: 'signal', id, signal: 'ReportIncome', data: dataOf(offset), ...rest })
}

const CHANNEL = JSON.stringify({ channel: 'ReportChannel' })

/** The frame of each signal, by the protocol of each client. */
const FRAME_OF = {
  signalpost: signalOf,
  baseline: signalOf,
  EventSource: (offset) => `event: ReportIncome\nid: ${offset}\ndata: ${JSON.stringify(dataOf(offset))}\n\n`,
  centrifuge: (offset) => JSON.stringify({ push: { channel: 'main', pub: { data: dataOf(offset), offset } } }),
  anycable: (offset) => JSON.stringify({ identifier: CHANNEL, message: dataOf(offset) }),
}

/** Each calls back when the client is ready for frames. */
const READY = {
  ...HANDSHAKES,
  signalpost: (socket, onReady) =>
    socket.once('message', () => {
      for (const answer of [welcome, joined]) socket.send(JSON.stringify(answer))
      onReady()
    }),
  baseline: (socket, onReady) => socket.once('message', onReady),
}

/** Prepares Chromium and a server; the function that it returns measures one kind once. */
export async function prepareDispatch(kinds, frames) {
  const pages = Object.fromEntries(
    await Promise.all(kinds.map(async (kind) => [kind, await bundle(countTo(frames) + CLIENTS[kind])])),
  )
  const texts = Object.fromEntries(
    kinds.map((kind) => [kind, Array.from({ length: frames }, (_, index) => FRAME_OF[kind](index + 1))]),
  )
  const chromium = await openChromium((request, response) => {
    if (request.url !== '/events') return response.end(`<!doctype html><script>${pages[request.url.slice(2)]}</script>`)
    response.setHeader('content-type', 'text/event-stream')
    for (const event of texts.EventSource) response.write(event)
  })
  new WebSocketServer({ server: chromium.http }).on('connection', (socket, { url }) => {
    const kind = url.slice(1)
    READY[kind](socket, () => {
      for (const text of texts[kind]) socket.send(text)
    })
  })

  return {
    async measure(kind) {
      const page = await chromium.browser.newPage()
      await page.goto(`${chromium.address}/?${kind}`)
      const perSecond = await page.waitForFunction(() => globalThis.perSecond).then((handle) => handle.jsonValue())
      await page.close()
      return perSecond
    },
    stop: chromium.stop,
  }
}
