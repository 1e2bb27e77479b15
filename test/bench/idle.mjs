/**
 * What idle connections cost the relay: they are opened, join a room and stay. Fails where it is more than it may be.
 *
 * Usage: node test/bench/idle.mjs [connections, 10000] [seconds, 600] [tabs that share a socket, 1]
 */
import { openConnections } from './connections.mjs'
import { mostOpenFiles, openFiles, residentBytes } from './machine.mjs'
import { relayArguments, startProcess } from './peers.mjs'
import { findFreePort } from '../support/free-port.mjs'

const [, , count = 10_000, seconds = 600, tabs = 1] = process.argv.map(Number)
const MEGABYTE = 1024 * 1024
/** What the relay may hold: 100 MB with up to 1,000 connections, 200 MB with up to 10,000. */
const most = (count <= 1000 ? 100 : 200) * MEGABYTE
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

if (mostOpenFiles() < count + 100) {
  process.stderr.write(`${count} connections need more open files: run ulimit -n ${count + 1000} first.\n`)
  process.exit(2)
}

const port = await findFreePort()
const relay = await startProcess(process.execPath, relayArguments(port), port)
const empty = residentBytes(relay.pid)
const counts = { closed: 0, beats: 0 }
const begin = performance.now()
await openConnections(port, {
  count,
  tabs,
  onBeat: () => (counts.beats += 1),
  onClose: () => (counts.closed += 1),
})
const dialled = (performance.now() - begin) / 1000

const samples = [residentBytes(relay.pid)]
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  await pause(Math.min(5000, seconds * 100))
  samples.push(residentBytes(relay.pid))
}

const held = samples.at(-1)
const largest = Math.max(...samples)
const megabytes = (bytes) => `${(bytes / MEGABYTE).toFixed(1)} MB`
const isWithin = largest <= most && counts.closed === 0
process.stdout
  .write(`${count} connections in ${dialled.toFixed(1)} s, held for ${seconds} s: ${counts.closed} closed, ${counts.beats} beats heard
relay: ${megabytes(empty)} before, ${megabytes(held)} at the end, ${megabytes(largest)} at most (${megabytes(most)} allowed), ${openFiles(relay.pid)} descriptors
per connection: ${Math.round((held - empty) / count)} bytes
${isWithin ? 'as it should be' : 'MISSED'}
`)
await relay.stop()
process.exit(isWithin ? 0 : 1)
