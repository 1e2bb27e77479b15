/**
 * Milliseconds from creating a client to being online, on loopback, and how many of them come after the socket has opened:
 * medians of 60 connections.
 *
 * Usage: node connect.mjs signalpost|socket.io|centrifuge|anycable|websocket PORT
 */
import { WebSocket } from 'ws'
import { createSignalClient } from '../../dist/index.js'

const [, , kind, port] = process.argv
let openedAt = 0
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args)
    this.on('open', () => {
      openedAt = performance.now()
    })
  }
}
const address = `127.0.0.1:${port}`

// Each client brings its own package, so that the others need not be installed.
const PACKAGES = { 'socket.io': 'socket.io-client', centrifuge: 'centrifuge', anycable: '@anycable/core' }
const { io, Centrifuge, createCable } = kind in PACKAGES ? await import(PACKAGES[kind]) : {}

const CONNECT = {
  signalpost: (done) => {
    const client = createSignalClient({ url: `ws://${address}/signals`, connect: 'manual' })
    client.onStatus(({ state }) => state === 'online' && done(() => client.close()))
    client.connect()
  },
  'socket.io': (done) => {
    const client = io(`http://${address}`, { transports: ['websocket'], forceNew: true })
    client.on('connect', () => done(() => client.close()))
  },
  centrifuge: (done) => {
    const client = new Centrifuge(`ws://${address}/`)
    client.on('connected', () => done(() => client.disconnect()))
    client.connect()
  },
  anycable: (done) => {
    const client = createCable(`ws://${address}/`)
    client.on('connect', () => done(() => client.disconnect()))
    void client.connect()
  },
  /** A bare socket and one question with its answer: the least that a handshake of two round trips takes. */
  websocket: (done) => {
    const client = new globalThis.WebSocket(`ws://${address}/`)
    client.on('open', () => client.send('"?"'))
    client.on('message', () => done(() => client.close()))
  },
}

const totals = []
const shares = []
for (let round = 0; round < 70; round += 1) {
  const begin = performance.now()
  openedAt = 0
  const close = await new Promise((resolve) => CONNECT[kind]((end) => resolve(end)))
  totals.push(performance.now() - begin)
  if (openedAt > 0) shares.push(performance.now() - openedAt)
  close()
}
process.stdout.write(JSON.stringify({ total: median(totals), afterOpen: median(shares) }))
process.exit(0)

function median(times) {
  // The first ones warm up.
  const measured = times.slice(10).toSorted((a, b) => a - b)
  return measured[Math.floor(measured.length / 2)]
}
