/**
 * Many pages for a long time, with cut lines and restarts of the relay: whether signals get lost or doubled, and whether
 * anything grows. Fails where it does.
 *
 * Usage: node test/bench/soak.mjs [seconds, 1800] [clients, 500]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { createSignalClient } from '../../dist/index.js'
import { file } from './peers.mjs'
import { findFreePort } from '../support/free-port.mjs'

const [, , seconds = 1800, count = 500] = process.argv.map(Number)
const ROOMS = 20
const SIGNALS_PER_SECOND = 200
/** Each line is cut once in so many seconds: seldom enough that pages are mostly online. */
const CUT_EVERY = Math.max(60, seconds / 6)
/** When the relay is restarted, in shares of the time: the last life is long enough to see what grows. */
const RESTARTS = [0.1, 0.2, 0.3, 0.4]
const SLOPE_FROM = 0.6
const MEGABYTE = 1024 * 1024
/** By how much the heap may grow, once it is run for long enough to tell growth from what is remembered for a minute. */
const MOST_GROWTH_PER_HOUR = seconds >= 900 ? 2 * MEGABYTE : Number.POSITIVE_INFINITY
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const tell = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)

/** How often the relay was started before the present time: with its memory each life loses its epochs. */
let life = 0
/** The life to which each epoch belongs. */
const lives = new Map()
/** Where each signal stands, by room and number: once in each epoch that took it. */
const places = new Map()
/** In which life each signal was accepted, by its id. */
const acceptedIn = new Map()

const sockets = new Set()
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url)
    const page = pages[Number(new URL(url).searchParams.get('page'))]
    const mine = life
    sockets.add(this)
    this.once('close', () => sockets.delete(this))
    // Before the client hears of it.
    this.on('message', (text) => note(page, mine, JSON.parse(text)))
  }
}

// What is remembered for a while is full before the slope is taken.
const remembered = 60_000
const settings = { port: await findFreePort(), window: remembered, historyMs: remembered }
let relay = await startRelay()
const over = { yet: false }
const pages = []
for (let index = 0; index < count; index++) pages.push(openPage(`room:${index % ROOMS}`, index))
for (const { client } of pages) client.connect()
await until(() => pages.every(({ client }) => client.status.state === 'online'))
tell(`${count} pages are online`)

const begin = performance.now()
const elapsed = () => (performance.now() - begin) / 1000 / seconds
const accepted = new Map()
const samples = []
const results = await Promise.all([send(), cut(), restart(), sample()]).then(settle)
process.stdout.write(`${results.text}\n`)
relay.kill('SIGKILL')
process.exit(results.isGood ? 0 : 1)

function openPage(room, index) {
  const page = { room, heard: new Uint8Array(1024), epoch: undefined, gaps: [], client: undefined }
  const url = `ws://127.0.0.1:${settings.port}/signals?page=${index}`
  page.client = createSignalClient({ url, connect: 'manual', onError() {} })
  page.client.receiveSignal('Soak', ({ n }) => hear(page, n), { room })
  return page
}

/** Notes where things stand, as the relay tells it. */
function note(page, mine, frame) {
  switch (frame.type) {
    case 'joined':
      lives.set(frame.epoch, mine)
      if (frame.recovered) page.epoch = frame.epoch
      break
    case 'gap':
      lives.set(frame.epoch, mine)
      page.gaps.push({ from: [lives.get(page.epoch) ?? -1, frame.from], to: [mine, frame.offset] })
      page.epoch = frame.epoch
      break
    case 'signal': {
      const key = `${frame.room} ${frame.data.n}`
      const known = places.get(key) ?? []
      const place = [lives.get(page.epoch), frame.offset]
      if (!known.some((other) => other[0] === place[0])) places.set(key, [...known, place])
      break
    }
    case 'accepted':
      for (const id of frame.ids) if (!acceptedIn.has(id)) acceptedIn.set(id, mine)
  }
}

function isBefore(one, other) {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1])
}

/** Whether a page was told that it may have missed a signal: by a gap in which all of its places lie. */
function isTold({ gaps, room }, { n, id }) {
  // What nobody heard died with its life: it stood at the end of it.
  const all = places.get(`${room} ${n}`) ?? [[acceptedIn.get(id) ?? -1, Number.POSITIVE_INFINITY]]
  return all.every((place) => gaps.some(({ from, to }) => isBefore(from, place) && !isBefore(to, place)))
}

function hear(page, n) {
  if (n >= page.heard.length) {
    const larger = new Uint8Array(Math.max(n + 1, page.heard.length * 2))
    larger.set(page.heard)
    page.heard = larger
  }
  page.heard[n] += 1
}

async function send() {
  const next = new Map()
  let due = performance.now()
  while (elapsed() < 1) {
    const page = pages[Math.floor(Math.random() * pages.length)]
    const n = next.get(page.room) ?? 0
    next.set(page.room, n + 1)
    void sendOne(page, n)
    due += 1000 / SIGNALS_PER_SECOND
    if (due > performance.now()) await pause(due - performance.now())
  }
  over.yet = true
}

async function sendOne({ client, room }, n) {
  const { id, outcome } = await client.sendSignal('Soak', { n }, { room })
  if (outcome !== 'accepted') return
  if (!accepted.has(room)) accepted.set(room, [])
  accepted.get(room).push({ n, id })
}

async function cut() {
  let cuts = 0
  while (!over.yet) {
    await pause((CUT_EVERY * 1000) / count)
    const [socket] = [...sockets].slice(Math.floor(Math.random() * sockets.size))
    socket?.terminate()
    cuts += 1
  }
  return cuts
}

async function restart() {
  for (const [index, share] of RESTARTS.entries()) {
    while (elapsed() < share) await pause(100)
    tell(index % 2 === 0 ? 'the relay is restarted' : 'the relay is killed')
    const exit = once(relay, 'exit')
    relay.kill(index % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    await exit
    life += 1
    relay = await startRelay()
  }
}

async function sample() {
  while (!over.yet) {
    await pause(Math.min(10_000, seconds * 20))
    if (elapsed() < SLOPE_FROM || over.yet) continue
    relay.send('sample')
    const [relayHolds] = await once(relay, 'message')
    globalThis.gc?.()
    samples.push({ at: elapsed() * seconds, ...relayHolds, pages: process.memoryUsage().heapUsed })
  }
}

async function settle([, cuts]) {
  await until(() => pages.every(({ client }) => client.status.state === 'online'))
  await pause(3000)
  let [lost, doubled, announced] = [0, 0, 0]
  for (const page of pages) {
    for (const times of page.heard) if (times > 1) doubled += 1
    for (const signal of accepted.get(page.room) ?? []) {
      if (page.heard[signal.n]) continue
      if (isTold(page, signal)) announced += 1
      else lost += 1
    }
  }
  const total = [...accepted.values()].reduce((sum, { length }) => sum + length, 0)
  const slope = slopeOf(samples.map(({ at, heap }) => [at, heap])) * 3600
  const flat = ['descriptors', 'timers'].map((kind) => {
    const values = samples.map((each) => each[kind])
    return [kind, Math.min(...values), Math.max(...values)]
  })
  // A descriptor for each page, some that are closing, and what Node itself needs; timers for none of them.
  const isFlat = flat[0][2] <= count * 1.1 + 50 && flat[1][2] <= 20
  const isGood = lost === 0 && doubled === 0 && slope <= MOST_GROWTH_PER_HOUR && isFlat
  const ranges = flat.map(([kind, least, most]) => `${kind} ${least} to ${most}`).join(', ')
  return {
    isGood,
    text: `${seconds} s, ${count} pages in ${ROOMS} rooms, ${total} signals accepted, ${cuts} cut lines, ${RESTARTS.length} restarts
lost: ${lost}, doubled: ${doubled}; gone with a life of the relay, and told as a gap: ${announced}
relay in its last life: heap ${(samples.at(-1).heap / MEGABYTE).toFixed(1)} MB, growing by ${(slope / MEGABYTE).toFixed(2)} MB an hour; ${ranges}
${isGood ? 'as it should be' : 'MISSED'}`,
  }
}

/** The slope of the line that fits best. */
function slopeOf(points) {
  const mean = (index) => points.reduce((sum, point) => sum + point[index], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}

async function startRelay() {
  const child = fork(file('soak-relay.mjs'), [JSON.stringify(settings)], { execArgv: ['--expose-gc'] })
  await once(child, 'message')
  return child
}

async function until(isSo) {
  const end = performance.now() + 60_000
  while (!isSo()) {
    if (performance.now() > end) throw new Error('Not all pages came back within a minute.')
    await pause(50)
  }
}
