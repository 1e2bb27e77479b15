/**
 * Frames that a page in Chromium takes in, per second: from a real socket to a handler that reads one field. Both clients
 * get the same texts, with everything that the protocol carries.
 */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'

const FRAMES = 50_000

const CLIENTS = {
  signalpost: `
    import { createSignalClient } from './dist/index.js'
    const client = createSignalClient({ url: '/' })
    client.receiveSignal('ReportIncome', handle)`,
  baseline: `
    import mitt from 'mitt'
    import ReconnectingWebSocket from 'reconnecting-websocket'
    const emitter = mitt()
    emitter.on('ReportIncome', handle)
    const socket = new ReconnectingWebSocket(location.href.replace('http', 'ws'))
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(data)
      emitter.emit(frame.signal, frame.data)
    })
    socket.addEventListener('open', () => socket.send('{"type":"hello"}'))`,
}

const COUNTING = `
  let count = 0, sum = 0, begin = 0
  function handle(data) {
    if (count === 0) begin = performance.now()
    sum += data.userId
    count += 1
    if (count === ${FRAMES}) globalThis.perSecond = Math.round((count / (performance.now() - begin)) * 1000)
  }`

function frame(offset) {
  const data = { userId: offset, action: 'refresh', at: '2026-01-01T00:00:00.000Z' }
  const id = `id-${offset}`.padEnd(22, '-')
  return { type: 'signal', id, signal: 'ReportIncome', data, room: 'main', offset, at: 1, sender: { tab: 'x' } }
}

const texts = Array.from({ length: FRAMES }, (_, index) => JSON.stringify(frame(index + 1)))
const welcome = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 900_000 }
const joined = { type: 'joined', room: 'main', epoch: 'e', offset: 0, head: 0, recovered: true }

async function bundle(kind) {
  const { outputFiles } = await build({
    stdin: { contents: COUNTING + CLIENTS[kind], resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
  })
  return `<!doctype html><script>${outputFiles[0].text}</script>`
}

/** Prepares Chromium and a server; the function that it returns measures one kind once. */
export async function prepareDispatch() {
  const pages = Object.fromEntries(
    await Promise.all(Object.keys(CLIENTS).map(async (kind) => [kind, await bundle(kind)])),
  )
  const http = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(pages[request.url.slice(2)] ?? '')
  })
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    socket.once('message', (text) => {
      const isOurs = JSON.parse(String(text)).v === 1
      if (isOurs) for (const answer of [welcome, joined]) socket.send(JSON.stringify(answer))
      for (const signal of texts) socket.send(signal)
    })
  })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  })

  return {
    kinds: Object.keys(CLIENTS),
    async measure(kind) {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${http.address().port}/?${kind}`)
      const perSecond = await page.waitForFunction(() => globalThis.perSecond).then((handle) => handle.jsonValue())
      await page.close()
      return perSecond
    },
    async stop() {
      await browser.close()
      http.closeAllConnections()
      http.close()
    },
  }
}
