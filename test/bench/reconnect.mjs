/**
 * Clients whose relay dies and comes back two seconds later: when each is online again. All are pages of the SDK in one
 * process. Usage: reconnect.mjs '{"clients"}'
 */
import { WebSocket } from 'ws'
import { createSignalClient } from '../../dist/index.js'
import { percentile } from './machine.mjs'
import { freePort, relayArguments, startProcess } from './peers.mjs'

const { clients: count } = JSON.parse(process.argv[2])
const AWAY = 2000
globalThis.WebSocket = WebSocket
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const port = await freePort()
const start = () => startProcess(process.execPath, relayArguments(port), port)
let relay = await start()
let returnedAt = Number.POSITIVE_INFINITY
const back = []

const clients = Array.from({ length: count }, () => {
  const client = createSignalClient({ url: `ws://127.0.0.1:${port}/signals`, connect: 'manual' })
  client.receiveSignal('ReportIncome', () => {})
  client.onStatus(({ state }) => {
    if (state === 'online' && performance.now() > returnedAt) back.push(performance.now() - returnedAt)
  })
  return client
})
for (const client of clients) {
  client.connect()
  await pause(1)
}
await until(() => clients.every(({ status }) => status.state === 'online'))

await relay.stop('SIGKILL')
await pause(AWAY)
const restarting = start()
relay = await restarting
returnedAt = performance.now()
await until(() => back.length >= count)

const slices = new Map()
for (const time of back) slices.set(Math.floor(time / 100), (slices.get(Math.floor(time / 100)) ?? 0) + 1)
const result = {
  median: percentile(back, 0.5),
  all: Math.max(...back),
  largestShare: Math.max(...slices.values()) / count,
}
process.stdout.write(JSON.stringify(result))
await relay.stop()
process.exit(0)

async function until(isSo) {
  const end = performance.now() + 60_000
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`Not all came back: ${back.length} of ${count}.`)
    await pause(10)
  }
}
