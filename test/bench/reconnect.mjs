/**
 * Clients whose relay dies and comes back two seconds later: when each is online again. All are pages of the SDK in one
 * process. Usage: reconnect.mjs '{"clients"}'
 */
import { WebSocket } from 'ws'
import { createSignalClient } from '../../dist/index.js'
import { percentile } from './machine.mjs'
import { relayArguments, startProcess } from './peers.mjs'
import { findFreePort } from '../support/free-port.mjs'

const { clients: count } = JSON.parse(process.argv[2])
const AWAY = 2000
/** A line that lived for less than 5 s counts as one more failure of the same outage. */
const STABLE = 5500
globalThis.WebSocket = WebSocket
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const port = await findFreePort()
const start = () => startProcess(process.execPath, relayArguments(port), port)
let relay = await start()
/** When each client was online again; one may be so before it is known here that the relay answers. */
const backAt = new Map()
let isAway = false

const clients = Array.from({ length: count }, () => {
  const client = createSignalClient({ url: `ws://127.0.0.1:${port}/signals`, connect: 'manual' })
  client.receiveSignal('ReportIncome', () => {})
  client.onStatus(({ state }) => {
    if (state === 'online' && isAway && !backAt.has(client)) backAt.set(client, performance.now())
  })
  return client
})
for (const client of clients) {
  client.connect()
  await pause(1)
}
await until(() => clients.every(({ status }) => status.state === 'online'))
await pause(STABLE)

await relay.stop('SIGKILL')
await pause(AWAY)
isAway = true
relay = await start()
const returnedAt = performance.now()
await until(() => backAt.size === count)

const back = [...backAt.values()].map((at) => Math.max(0, at - returnedAt))
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
    if (performance.now() > end) throw new Error(`Not all came back: ${backAt.size} of ${count}.`)
    await pause(10)
  }
}
