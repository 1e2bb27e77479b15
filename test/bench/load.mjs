/**
 * The other side of a server under test, in a process of its own: receivers that only count, one that looks at the time,
 * and a sender. Bare TCP with the least of WebSocket or of HTTP, so that what is measured is the server.
 *
 * Usage: load.mjs '{"peer", "port", "pids", "receivers", "phases"}', with the processes of the server; the results come as JSON on standard output.
 */
import { connect } from 'node:net'
import { cpuSeconds, percentile, residentBytes } from './machine.mjs'
import { WIRES } from './wires.mjs'

const { peer, port, pids, receivers, phases } = JSON.parse(process.argv[2])
const wire = WIRES[peer]

/** Stands once in every payload and nowhere else. */
const MARK = '|'.charCodeAt(0)
const DIALLING_AT_ONCE = 64
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const sum = (values) => values.reduce((total, value) => total + value, 0)
const cpuOfEach = () => pids.map(cpuSeconds)
const cpuOfAll = () => sum(cpuOfEach())
const memoryOfAll = () => sum(pids.map(residentBytes))

let delivered = 0
let onDelivered = () => {}
let onProbed = () => {}

/** Counts the marks; where a payload is split does not matter. */
function count(bytes) {
  let marks = 0
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) marks += 1
  delivered += marks
}

/** Finds the times in the payloads of one connection. */
function createProbe() {
  let rest = ''
  return (bytes) => {
    const now = performance.now()
    rest += bytes.latin1Slice()
    let end = 0
    for (const match of rest.matchAll(/t\\?":1(\d+\.\d{3})[^|]*\|/g)) {
      onProbed(now - Number(match[1]))
      end = match.index + match[0].length
    }
    rest = rest.slice(end)
  }
}

// One buffer is enough, because what is in it is looked at before the next read.
const shared = Buffer.alloc(262_144)

/** Opens a connection and walks through what the protocol asks before signals come. */
function enter(isReceiver, look) {
  return new Promise((resolve, reject) => {
    let heard = ''
    let isIn = false
    const steps = wire.steps.filter((step) => isReceiver || !step.isForReceivers)
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: shared, callback: read } })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`${peer} closed a connection: ${heard.slice(0, 200)}`)))
    socket.write(wire.request?.(isReceiver) ?? upgrade())
    let wanted = '\r\n\r\n'

    function read(length, buffer) {
      const bytes = buffer.subarray(0, length)
      if (isIn) {
        look?.(bytes)
        return true
      }
      heard += bytes.latin1Slice()
      while (!isIn && heard.includes(wanted)) advance()
      return true
    }

    function advance() {
      const rest = heard.slice(heard.indexOf(wanted) + wanted.length)
      const step = steps.shift()
      if (!step) {
        isIn = true
        return resolve(socket)
      }
      const frame = step.say(heard, isReceiver)
      wanted = step.until(heard, isReceiver)
      heard = rest
      if (frame) socket.write(frame)
    }
  })
}

const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

function upgrade() {
  const path = typeof wire.path === 'function' ? wire.path() : wire.path
  const headers = Object.entries({ Origin: 'http://localhost', ...wire.headers })
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${HANDSHAKE}${lines.join('')}\r\n`
}

/** About 120 bytes, all of one length. */
function payload() {
  const time = performance.now().toFixed(3).padStart(13, '0')
  return `{"userId":4711,"action":"refresh","report":"income","at":"2026-01-01T00:00:00.000Z","t":1${time},"mark":"|"}`
}

const sockets = []

async function enterAll() {
  const begin = performance.now()
  let left = receivers
  async function dial() {
    while (left > 0) {
      left -= 1
      const probe = sockets.length === 0 && left === receivers - 1 ? createProbe() : undefined
      const look = (bytes) => {
        count(bytes)
        probe?.(bytes)
        onDelivered()
      }
      sockets.push(await enter(true, look))
    }
  }
  await Promise.all(Array.from({ length: Math.min(DIALLING_AT_ONCE, receivers) }, dial))
  return performance.now() - begin
}

let sent = 0
let sender

function send() {
  sent += 1
  sender.write(wire.publish(payload()))
}

/** Waits until everything that was sent has come, or for so long; gives what is missing. */
async function settle(patience) {
  const end = performance.now() + patience
  while (missing() > 0 && performance.now() < end) await pause(5)
  return missing()
}

function missing() {
  return sent * receivers - delivered
}

function reset() {
  sent = delivered = 0
}

const PHASES = {
  /** A fixed number of signals on their way: what the server can do. */
  async window({ window, warm, time }) {
    reset()
    const pump = () => {
      while (missing() <= (window - 1) * receivers) send()
    }
    onDelivered = pump
    pump()
    await pause(warm)
    const before = { delivered, cpu: cpuOfEach(), at: performance.now() }
    await pause(time)
    const count = delivered - before.delivered
    const seconds = (performance.now() - before.at) / 1000
    const cpu = cpuOfEach().map((used, index) => ((used - before.cpu[index]) / count) * 1e6)
    onDelivered = () => {}
    return { perSecond: count / seconds, cpuPerMillion: sum(cpu), cpuOfEach: cpu, lost: await settle(5000) }
  },

  /** A fixed rate, whatever happens: what receivers see of it. */
  async open({ rate, time }) {
    reset()
    const delays = []
    onProbed = (delay) => delays.push(delay)
    const perSecond = rate / receivers
    const before = cpuOfAll()
    const begin = performance.now()
    while (performance.now() - begin < time) {
      const due = Math.floor(((performance.now() - begin) / 1000) * perSecond)
      while (sent < due) send()
      await pause(2)
    }
    const cores = (cpuOfAll() - before) / ((performance.now() - begin) / 1000)
    const backlog = (await settle(1000)) / receivers
    const offered = sent
    await settle(20_000)
    onProbed = () => {}
    return { cores, p50: percentile(delays, 0.5), p99: percentile(delays, 0.99), backlog, offered }
  },

  /** One signal at a time, with rests: what the way takes. */
  async latency({ every, count }) {
    reset()
    const delays = []
    onProbed = (delay) => delays.push(delay)
    for (let index = 0; index < count; index += 1) {
      send()
      await pause(every)
    }
    await settle(5000)
    onProbed = () => {}
    const measured = delays.slice(20)
    return { p50: percentile(measured, 0.5), p99: percentile(measured, 0.99) }
  },
}

const empty = memoryOfAll()
const connectMs = await enterAll()
sender = await enter(false)
await pause(1500)
const bytesPerConnection = (memoryOfAll() - empty) / receivers
const results = []
for (const phase of phases) results.push(await PHASES[phase.kind](phase))
process.stdout.write(JSON.stringify({ connectMs, bytesPerConnection, results }))
for (const socket of [...sockets, sender]) socket.resetAndDestroy()
process.exit(0)
