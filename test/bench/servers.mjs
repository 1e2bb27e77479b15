/** Starts the server of one kind on a free port, prints the port, and runs until it is killed. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { WebSocketServer } from 'ws'

const http = createServer()
if (process.argv[2] === 'socket.io') new Server({ transports: ['websocket'] }).attach(http)
else new WebSocketServer({ server: http }).on('connection', (socket) => socket.on('message', () => socket.send('!')))
http.listen(0, '127.0.0.1', () => process.stdout.write(`${http.address().port}\n`))
