/**
 * Starts a server that broadcasts what it is sent, as the documentation of each package does it; or one of those that only
 * welcome clients. Usage: servers.mjs KIND PORT
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { HANDSHAKES } from './handshakes.mjs'

const [, , kind, port] = process.argv
const http = createServer()

// Each brings its own package, so that the others need not be installed.
const SERVERS = {
  async ws() {
    const { WebSocketServer } = await import('ws')
    const server = new WebSocketServer({ server: http })
    server.on('connection', (socket) => {
      socket.on('message', (bytes) => {
        const text = JSON.stringify(JSON.parse(String(bytes)))
        for (const client of server.clients) client.send(text)
      })
    })
  },
  async 'socket.io'() {
    const { Server } = await import('socket.io')
    // Pings are far apart, so that receivers which only count need not answer them.
    const server = new Server(http, { transports: ['websocket'], pingInterval: 600_000 })
    server.on('connection', (socket) => socket.on('signal', (data) => server.emit('signal', data)))
  },
  async faye() {
    const { default: faye } = await import('faye')
    new faye.NodeAdapter({ mount: '/faye', timeout: 600 }).attach(http)
  },
  async sockjs() {
    const { default: sockjs } = await import('sockjs')
    const connections = new Set()
    const server = sockjs.createServer({ log() {}, heartbeat_delay: 600_000 })
    server.on('connection', (connection) => {
      connections.add(connection)
      connection.on('close', () => connections.delete(connection))
      connection.on('data', (text) => {
        const said = JSON.stringify(JSON.parse(text))
        for (const each of connections) each.write(said)
      })
    })
    server.installHandlers(http, { prefix: '/sockjs' })
  },
  async sse() {
    const streams = new Set()
    // The sender may rest for longer than between two requests of a page.
    http.keepAliveTimeout = 600_000
    http.on('request', async (request, response) => {
      if (request.method === 'POST') {
        const event = `data: ${JSON.stringify(JSON.parse(await text(request)))}\n\n`
        for (const stream of streams) stream.write(event)
        return response.writeHead(204).end()
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).flushHeaders()
      streams.add(response)
      response.on('close', () => streams.delete(response))
    })
  },
  centrifuge: () => welcome('centrifuge'),
  anycable: () => welcome('anycable'),
}

async function welcome(kind) {
  const { WebSocketServer } = await import('ws')
  new WebSocketServer({ server: http }).on('connection', (socket) => HANDSHAKES[kind](socket, () => {}))
}

await SERVERS[kind]()
http.listen(Number(port), '127.0.0.1')
