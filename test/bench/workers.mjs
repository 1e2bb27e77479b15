/**
 * Fan-out of one relay with several workers on a Redis: the CPU time of each of its processes per million deliveries, and
 * the share of the connections of each worker. Usage: workers.mjs '{"workers", "receivers", "phases"}'
 */
import { readFileSync } from 'node:fs'
import { relayArguments, startProcess, startRedis } from './peers.mjs'
import { measure } from './rounds.mjs'
import { findFreePort } from '../support/free-port.mjs'

const { workers, receivers, phases } = JSON.parse(process.argv[2])
const KEY = 'the-key-of-the-operator'

const redis = await startRedis()
const port = await findFreePort()
const options = ['--workers', String(workers), '--redis', `redis://127.0.0.1:${redis.port}`, '--dashboard-key', KEY]
const relay = await startProcess(process.execPath, relayArguments(port, options), port)
while ((await readState()).others.length < workers - 1) await new Promise((resolve) => setTimeout(resolve, 50))

const children = readFileSync(`/proc/${relay.pid}/task/${relay.pid}/children`, 'utf8').split(' ').filter(Boolean)
const pids = [relay.pid, ...children.map(Number)]
const load = measure('load.mjs', { peer: 'signalpost', port, pids, receivers, phases })
const shares = await readShares()
const { results } = await load
process.stdout.write(JSON.stringify({ results, shares }))
for (const server of [relay, redis]) await server.stop()
process.exit(0)

/** Waits until all receivers are there, and gives the share of each worker, the largest first. */
async function readShares() {
  for (;;) {
    const { instance, others } = await readState()
    const connections = [instance, ...others].map((each) => each.connections)
    const all = connections.reduce((sum, count) => sum + count, 0)
    if (all >= receivers) return connections.map((count) => count / all).toSorted((a, b) => b - a)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function readState() {
  const headers = { Authorization: `Bearer ${KEY}`, Connection: 'close' }
  return (await fetch(`http://127.0.0.1:${port}/dashboard/state`, { headers })).json()
}
