/**
 * How many signals per second relays take in, through one instance and through two that share a Redis: senders keep 256
 * unanswered each, and every signal is heard by one receiver on each instance. Usage: publish.mjs '{"instances", "time", "redis"}'
 */
import { WebSocket } from 'ws'
import { cpuSeconds } from './machine.mjs'
import { relayArguments, startProcess, startRedis } from './peers.mjs'
import { findFreePort } from '../support/free-port.mjs'

const { instances, time, redis } = JSON.parse(process.argv[2])
const UNANSWERED = 256
const SENDERS = 4
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const engine = redis ? await startRedis() : undefined
const relays = []
for (let index = 0; index < instances; index += 1) {
  const port = await findFreePort()
  const extra = engine ? ['--redis', `redis://127.0.0.1:${engine.port}`] : []
  relays.push(await startProcess(process.execPath, relayArguments(port, extra), port))
}

let accepted = 0
let delivered = 0
let ids = 0
const nextId = () => `b${(ids += 1).toString(36).padStart(21, '0')}`
const count = (text, part) => text.split(part).length - 1

for (const { port } of relays)
  await open(port, [{ room: 'main' }], (text) => (delivered += count(text, '"type":"signal"')))
for (let index = 0; index < SENDERS; index += 1) {
  let unanswered = 0
  const socket = await open(relays[index % instances].port, [], (text) => {
    if (!text.startsWith('{"type":"accepted"')) return
    const answered = JSON.parse(text).ids.length
    accepted += answered
    unanswered -= answered
    fill()
  })
  const fill = () => {
    for (; unanswered < UNANSWERED; unanswered += 1) {
      socket.send(`{"type":"signal","id":"${nextId()}","signal":"ReportIncome","data":{"userId":4711}}`)
    }
  }
  fill()
}

await pause(500)
const cpu = () => relays.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0)
const before = { accepted, delivered, cpu: cpu(), at: performance.now() }
await pause(time)
const seconds = (performance.now() - before.at) / 1000
const taken = accepted - before.accepted
const result = {
  perSecond: taken / seconds,
  heardPerSecond: (delivered - before.delivered) / seconds / instances,
  cpuPerMillion: ((cpu() - before.cpu) / taken) * 1e6,
}
process.stdout.write(JSON.stringify(result))
for (const server of [...relays, ...(engine ? [engine] : [])]) await server.stop()
process.exit(0)

async function open(port, rooms, onText) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/signals`)
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  const ready = new Promise((resolve) => {
    socket.on('message', (bytes) => {
      const text = bytes.toString()
      if (text.includes(rooms.length > 0 ? '"type":"joined"' : '"type":"welcome"')) resolve()
      onText(text)
    })
  })
  socket.send(JSON.stringify({ type: 'hello', v: 1, tab: nextId(), rooms }))
  await ready
  return socket
}
