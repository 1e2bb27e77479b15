/**
 * Speed beside other packages. Machines are noisy: rounds alternate, and what counts is the ratio of one run's medians.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { prepareDispatch } from './dispatch.mjs'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const run = (script, ...args) => Number(execFileSync(process.execPath, [file(script), ...args], { encoding: 'utf8' }))

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

async function alternate(kinds, measure) {
  const results = Object.fromEntries(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < ROUNDS; round += 1) for (const kind of kinds) results[kind].push(await measure(kind))
  return Object.fromEntries(kinds.map((kind) => [kind, median(results[kind])]))
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

const firstLine = (child) => new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data).trim())))

async function startServers() {
  const relayPort = await freePort()
  const relay = spawn(process.execPath, [file('../../dist/relay/main.js'), 'relay', '--open', '--port', relayPort])
  await firstLine(relay)
  const [socketio, websocket] = ['socket.io', 'websocket'].map((kind) =>
    spawn(process.execPath, [file('servers.mjs'), kind]),
  )
  const ports = { signalpost: relayPort, 'socket.io': await firstLine(socketio), websocket: await firstLine(websocket) }
  return { ports, stop: () => [relay, socketio, websocket].forEach((child) => child.kill()) }
}

const chromium = await prepareDispatch()
const dispatch = await alternate(chromium.kinds, chromium.measure)
await chromium.stop()
console.log('Frames dispatched per second in Chromium, median of', ROUNDS, 'alternating rounds')
console.log('  signalpost                                  ', dispatch.signalpost.toLocaleString('en'))
console.log('  reconnecting-websocket + JSON.parse + mitt  ', dispatch.baseline.toLocaleString('en'))
console.log('  ratio                                       ', (dispatch.signalpost / dispatch.baseline).toFixed(2))

const servers = await startServers()
const connect = await alternate(['signalpost', 'socket.io', 'websocket'], (kind) =>
  run('connect.mjs', kind, servers.ports[kind]),
)
servers.stop()
console.log('Milliseconds from creating a client to online, loopback, median of', ROUNDS, 'alternating rounds')
for (const [kind, time] of Object.entries(connect)) console.log(`  ${kind.padEnd(44)}`, time.toFixed(2))
console.log('  signalpost / socket.io                      ', (connect.signalpost / connect['socket.io']).toFixed(2))
console.log('  signalpost / bare socket and one round trip ', (connect.signalpost / connect.websocket).toFixed(2))
