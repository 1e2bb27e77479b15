/** Starts a server that broadcasts what it is sent, as the documentation of each package does it. Usage: servers.mjs KIND PORT */
import { createServer } from 'node:http'
import faye from 'faye'
import { Server } from 'socket.io'
import sockjs from 'sockjs'
import { WebSocketServer } from 'ws'

const [, , kind, port] = process.argv
const http = createServer()

const SERVERS = {
  ws() {
    const server = new WebSocketServer({ server: http })
    server.on('connection', (socket) => {
      socket.on('message', (bytes) => {
        const text = JSON.stringify(JSON.parse(String(bytes)))
        for (const client of server.clients) client.send(text)
      })
    })
  },
  'socket.io'() {
    // Pings are far apart, so that receivers which only count need not answer them.
    const server = new Server(http, { transports: ['websocket'], pingInterval: 600_000 })
    server.on('connection', (socket) => socket.on('signal', (data) => server.emit('signal', data)))
  },
  faye() {
    new faye.NodeAdapter({ mount: '/faye', timeout: 600 }).attach(http)
  },
  sockjs() {
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
}

SERVERS[kind]()
http.listen(Number(port), '127.0.0.1')
