import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

/** How a proxy treats WebSockets: it answers the handshake with a page or a refusal, never, cuts it, or cuts what follows it. */
export type Blocking =
  'answers 200' | 'answers 403' | 'hangs' | 'cuts' | 'cuts after 101' | 'swallows after 101' | 'passes'

export interface BlockingProxy {
  readonly port: number
  blocking: Blocking
  /** Answers are held back until so many bytes are there, or their end. */
  bufferBytes: number
  /** The requests that came, by the first field of their bodies that tells them apart. */
  readonly requests: { readonly hellos: number; readonly posts: number; readonly handshakes: number }
  close(): void
}

/** Starts a proxy that passes on HTTP requests and treats WebSockets as some company networks do. */
export async function startBlockingProxy(
  target: () => number | undefined,
  blocking: Blocking,
  bufferBytes = 0,
): Promise<BlockingProxy> {
  const requests = { hellos: 0, posts: 0, handshakes: 0 }
  const proxy = { port: 0, blocking, bufferBytes, requests, close }
  const sockets = new Set<Duplex>()
  const server = createServer((request, response) => {
    // A client may go while it sends.
    pass(request, response).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', onUpgrade)

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    if (body.includes('"type":"hello"')) requests.hellos += 1
    else requests.posts += 1
    const { method = 'GET', url = '/', headers } = request
    const onward = forward({ port: target() ?? 0, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      const { statusCode = 502, headers: answerHeaders } = answer
      let held: Buffer[] = []
      const release = (): void => {
        if (!response.headersSent) response.writeHead(statusCode, answerHeaders)
        for (const chunk of held) response.write(chunk)
        held = []
      }
      answer.on('data', (chunk: Buffer) => {
        held.push(chunk)
        if (held.reduce((sum, { length }) => sum + length, 0) >= proxy.bufferBytes) release()
      })
      answer.on('end', () => {
        release()
        response.end()
      })
      answer.on('error', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    onward.end(body)
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    requests.handshakes += 1
    socket.on('error', () => {})
    const page = '<html>Blocked by the network</html>'
    switch (proxy.blocking) {
      case 'answers 200':
      case 'answers 403':
        return void socket.end(
          `HTTP/1.1 ${proxy.blocking === 'answers 200' ? '200 OK' : '403 Forbidden'}\r\ncontent-length: ${page.length}\r\n\r\n${page}`,
        )
      case 'hangs':
        return
      case 'cuts':
        return void socket.destroy()
      default:
        tunnel(request, socket, head)
    }
  }

  function tunnel({ method = 'GET', url = '/', rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onward = connect(target() ?? 0, '127.0.0.1')
    const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []))
    onward.write(`${method} ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
    socket.pipe(onward)
    onward.on('data', (chunk: Buffer) => {
      const isHandshake = chunk.toString('latin1', 0, 12) === 'HTTP/1.1 101'
      if (proxy.blocking === 'passes' || isHandshake) socket.write(chunk)
      if (proxy.blocking === 'cuts after 101') setImmediate(() => socket.destroy())
    })
  }

  function close(): void {
    server.close()
    for (const socket of sockets) socket.destroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}
