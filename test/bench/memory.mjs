/** The memory of a relay whose idle tabs share sockets, or do not. Usage: memory.mjs '{"count", "tabs", "hold"}' */
import { findFreePort } from '../support/free-port.mjs'
import { openConnections } from './connections.mjs'
import { residentBytes } from './machine.mjs'
import { relayArguments, startProcess } from './peers.mjs'

/** How many tabs there are, how many of them share a socket, and how long they stay (ms). */
const { count, tabs, hold } = JSON.parse(process.argv[2])

const port = await findFreePort()
const relay = await startProcess(process.execPath, relayArguments(port), port)
const empty = residentBytes(relay.pid)
await openConnections(port, { count, tabs })
await new Promise((resolve) => setTimeout(resolve, hold))
const bytesPerTab = (residentBytes(relay.pid) - empty) / count
const { sockets } = await (await fetch(`http://127.0.0.1:${port}/health`)).json()
process.stdout.write(JSON.stringify({ sockets, bytesPerTab }))
await relay.stop()
process.exit(0)
