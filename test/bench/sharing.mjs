/**
 * Tabs that share one connection, beside tabs with a connection each: in Chromium, where a context stands for a browser,
 * with locks, channels and workers of its own.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { findFreePort } from '../support/free-port.mjs'
import { bundle, openChromium } from './chromium.mjs'
import { startDelay } from './delay.mjs'
import { percentile } from './machine.mjs'
import { file, relayArguments, startProcess } from './peers.mjs'

const run = promisify(execFile)

/** How tabs connect: each by itself, through one of them, or through a SharedWorker. */
export const SHARINGS = ['own', 'leader', 'worker']

/** The page sends signals to itself, one at a time and with rests: one clock has the whole way there and back. */
const PAGE = `
  import { createSignalClient } from '../../dist/index.js'
  import { sharedTransport } from '../../dist/tabs/index.js'
  const { url, kind } = Object.fromEntries(new URLSearchParams(location.search))
  const TRANSPORTS = {
    own: () => undefined,
    leader: () => sharedTransport(),
    worker: () => sharedTransport({ worker: '/worker.js' }),
  }
  const begin = performance.now()
  const client = createSignalClient({ url, since: 'now', transport: TRANSPORTS[kind]() })
  let onReturn = () => {}
  client.receiveSignal('Measured', (number, signal) => signal.self && onReturn(number))
  client.onStatus(({ state }) => {
    if (state === 'online') globalThis.onlineAfter ??= performance.now() - begin
  })
  async function sendOne(number) {
    const sentAt = performance.now()
    const returned = new Promise((resolve) => {
      onReturn = (which) => which === number && resolve()
    })
    client.sendSignal('Measured', number)
    await returned
    return performance.now() - sentAt
  }
  globalThis.sendSignals = async ({ every, count }) => {
    const times = []
    for (let number = 0; number < count; number += 1) {
      times.push(await sendOne(number))
      await new Promise((resolve) => setTimeout(resolve, every))
    }
    return times
  }`

/** The first signals warm up. */
const WARM = 20

/** Prepares Chromium; the function that it returns measures one kind once, with a fresh relay. */
export async function prepareSharing({ browsers, tabs, samples, delays, every, count }) {
  const script = await bundle(PAGE)
  const worker = readFileSync(file('../../dist/umd/signalpost-worker.min.js'))
  const chromium = await openChromium(({ url }, response) => {
    if (url !== '/worker.js') return response.end(`<!doctype html><script>${script}</script>`)
    response.setHeader('content-type', 'text/javascript')
    response.end(worker)
  })

  async function openTabs(context, kind, port, number) {
    const query = new URLSearchParams({ kind, url: `ws://127.0.0.1:${port}/signals` })
    const opened = []
    for (let index = 0; index < number; index += 1) {
      const page = await context.newPage()
      await page.goto(`${chromium.address}/?${query}`)
      await page.waitForFunction(() => globalThis.onlineAfter)
      opened.push(page)
    }
    return opened
  }

  /** Opens second tabs of a browser, one after the other: how long each takes to be online. */
  async function measureOnline(kind, relayPort, delay) {
    const line = delay > 0 ? await startDelay(relayPort, delay) : undefined
    const port = line?.port ?? relayPort
    const context = await chromium.browser.newContext()
    await openTabs(context, kind, port, 1)
    const times = []
    for (let index = 0; index < samples; index += 1) {
      const [page] = await openTabs(context, kind, port, 1)
      times.push(await page.evaluate(() => globalThis.onlineAfter))
      await page.close()
    }
    await context.close()
    line?.stop()
    return percentile(times, 0.5)
  }

  async function measureSignals(page) {
    const times = await page.evaluate((options) => globalThis.sendSignals(options), { every, count: count + WARM })
    const measured = times.slice(WARM)
    return { p50: percentile(measured, 0.5), p99: percentile(measured, 0.99) }
  }

  /** The way of a signal of the last tab, and of the first one if it has the connection: with two tabs, and with all. */
  async function measureTabs(context, kind, port) {
    const opened = []
    const signals = { last: [], ...(kind === 'leader' && { first: [] }) }
    for (const number of [2, tabs]) {
      opened.push(...(await openTabs(context, kind, port, number - opened.length)))
      signals.last.push(await measureSignals(opened.at(-1)))
      signals.first?.push(await measureSignals(opened[0]))
    }
    return signals
  }

  return {
    async measure(kind) {
      const port = await findFreePort()
      const relay = await startProcess(process.execPath, relayArguments(port), port)
      const online = []
      for (const delay of delays) online.push(await measureOnline(kind, port, delay / 2))
      const contexts = [await chromium.browser.newContext()]
      const signals = await measureTabs(contexts[0], kind, port)
      while (contexts.length < browsers) {
        contexts.push(await chromium.browser.newContext())
        await openTabs(contexts.at(-1), kind, port, tabs)
      }
      const { sockets } = await (await fetch(`http://127.0.0.1:${port}/health`)).json()
      for (const context of contexts) await context.close()
      await relay.stop()
      return { online, signals, sockets }
    },
    stop: chromium.stop,
  }
}

/** Bytes of sharing on top of the core, as `npm run size` counts them. */
export async function weighSharing() {
  const core = `export { createSignalClient } from '../../dist/index.js'\n`
  const both = `${core}export { sharedTransport } from '../../dist/tabs/index.js'\n`
  const [less, more] = await Promise.all([core, both].map(async (text) => gzipSync(await bundle(text, 'esm')).length))
  return more - less
}

/** The line with the results of F31, of a relay that says goodbye and of one that is killed. */
const RETURN = /all back after ([\d.]+) s, \d+ dials, (\d+) handshakes/g

/** Runs the test F31, in which 200 browsers of ten tabs lose their relay: one that restarts, and one that is killed. */
export async function measureReturn() {
  const test = ['--project', 'faults-alone', 'test/faults/shared-return.test.ts']
  const args = [file('../../node_modules/vitest/vitest.mjs'), 'run', '--config', 'test/vitest.config.ts', ...test]
  const { stdout } = await run(process.execPath, args, { cwd: file('../..') })
  const [restart, kill] = [...stdout.matchAll(RETURN)].map(([, seconds, handshakes]) => ({
    all: 1000 * Number(seconds),
    handshakes: Number(handshakes),
  }))
  return { restart, kill }
}
