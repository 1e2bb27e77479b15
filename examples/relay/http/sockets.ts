import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HttpConnections } from './http-connections.js'

export interface SocketsOptions {
  readonly httpConnections: HttpConnections
  /** Time until the first byte of a request must have arrived (ms). */
  readonly helloTimeout: number
  /** Accepts or refuses the handshake of a WebSocket. */
  readonly onHandshake: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

/**
 * Watches the sockets of a server. It answers requests that offer another protocol than WebSocket, such as h2c, as
 * HTTP/1.1: RFC 9110 allows to ignore the offer. Java's HttpClient and curl --http2 make it in every request.
 */
export function watchSockets(server: Server, { httpConnections, helloTimeout, onHandshake }: SocketsOptions): void {
  const responses = new WeakMap<Duplex, ServerResponse>()
  const reread = new WeakSet<Duplex>()

  /** Passes a request to the server again, without its offer, so that Node parses it and its body as any other. */
  function readAgain(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ignoreError = (): void => {}
    const read = (): void => {
      socket.off('error', ignoreError)
      if (socket.destroyed || socket.writableEnded) return
      reread.add(socket)
      socket.unshift(Buffer.concat([headOf(request), head]))
      server.emit('connection', socket)
    }
    socket.on('error', ignoreError)
    // The answers to pipelined requests must not overtake each other.
    const earlier = responses.get(socket)
    if (earlier) earlier.once('close', () => setImmediate(read))
    // Node still uses the parser of this request.
    else setImmediate(read)
  }

  server.on('connection', (socket: Socket) => {
    if (reread.has(socket)) return
    httpConnections.open(socket)
    // Node's HTTP timeouts do not cover a connection that never sends a byte.
    socket.setTimeout(helloTimeout)
  })
  server.on('request', ({ socket }, response) => {
    responses.set(socket, response)
    response.once('close', () => {
      if (responses.get(socket) === response) responses.delete(socket)
    })
  })
  server.on('upgrade', (request, socket, head) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return readAgain(request, socket, head)
    httpConnections.release(socket)
    onHandshake(request, socket, head)
  })
}

/** Returns the head of a request as it was sent, without the header Upgrade. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`)
  }
  // Node reads headers as Latin-1.
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
