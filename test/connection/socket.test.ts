// @vitest-environment node
import { createServer, type Server, type Socket as TcpSocket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { openSocket, type Socket } from '../../src/connection/socket.js'

/** Each of these is a defect of reconnecting-websocket 4.4.0 that a page would meet without the room in front of it. */

let server: WebSocketServer
let sockets: Socket[]
let told: string[]
let uncaught: unknown[]
const noteUncaught = (error: unknown): void => void uncaught.push(error)

function url(port = (server.address() as AddressInfo).port): string {
  return `ws://127.0.0.1:${port}/`
}

function open(address = url()): Socket {
  const socket = openSocket(address, {
    onOpen: () => told.push('open'),
    onHelloNeeded: () => undefined,
    onText: (text) => told.push(text),
    onClose: (code, reason) => told.push(`close ${code} ${reason}`.trim()),
  })
  sockets.push(socket)
  return socket
}

const connected = (): Promise<WebSocket> => new Promise((resolve) => server.once('connection', resolve))
const tells = (expected: string[]): Promise<unknown> => vi.waitUntil(() => told.length >= expected.length, 10_000)

beforeEach(async () => {
  vi.stubGlobal('WebSocket', WebSocket)
  sockets = []
  told = []
  uncaught = []
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  process.on('uncaughtException', noteUncaught)
  process.on('unhandledRejection', noteUncaught)
})

afterEach(async () => {
  for (const socket of sockets) socket.close()
  for (const client of server.clients) client.terminate()
  await new Promise((resolve) => server.close(resolve))
  process.off('uncaughtException', noteUncaught)
  process.off('unhandledRejection', noteUncaught)
  expect(uncaught).toEqual([])
})

describe('a socket', () => {
  it('tells the true close code and reason of the other side', async () => {
    open()
    const peer = await connected()
    peer.close(4403, 'origin not allowed')
    await tells(['open', 'close'])
    expect(told).toEqual(['open', 'close 4403 origin not allowed'])
  })

  it('reports a broken connection as 1006, not as the clean 1000 of the wrapper', async () => {
    open()
    const peer = await connected()
    peer.terminate()
    await tells(['open', 'close'])
    expect(told).toEqual(['open', 'close 1006'])
  })

  it('tells a refused connection as 1006, and tries no second time by itself', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    open(url(port))
    await tells(['close'])
    expect(told[0]).toMatch(/^close 1006/)
    expect(told).toHaveLength(1)
  })

  it('survives a WebSocket constructor that throws, and tells it as 1006', async () => {
    vi.stubGlobal('WebSocket', function Throwing() {
      throw new Error('SecurityError')
    })
    open()
    await tells(['close'])
    expect(told).toEqual(['close 1006 not allowed here'])
  })

  it('sends nothing of its own before the first frame of its owner, and keeps no queue', async () => {
    const socket = open()
    socket.send('too early')
    const peer = await connected()
    const received: string[] = []
    peer.on('message', (data) => received.push(String(data)))
    await tells(['open'])
    socket.send('hello')
    await vi.waitUntil(() => received.length > 0)
    expect(received).toEqual(['hello'])
  })

  it('tells nothing after it was closed, though frames and the close are under way', async () => {
    const socket = open()
    const peer = await connected()
    await tells(['open'])
    peer.send('late')
    socket.close()
    const gone = new Promise((resolve) => peer.once('close', resolve))
    await gone
    expect(told).toEqual(['open'])
  })

  it('never connects when it is closed before there is a socket', async () => {
    let connections = 0
    server.on('connection', () => (connections += 1))
    open().close()
    const second = open()
    await tells(['open'])
    expect([connections, told]).toEqual([1, ['open']])
    second.close()
  })

  it('does not end the process when it is closed while the connection is still being opened', async () => {
    const held: TcpSocket[] = []
    const silent: Server = createServer((tcp) => held.push(tcp.on('error', () => undefined).resume()))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const socket = open(url((silent.address() as AddressInfo).port))
    await vi.waitUntil(() => held.length > 0)
    socket.close()
    await vi.waitUntil(() => held.every((tcp) => tcp.closed))
    expect(told).toEqual([])
    silent.close()
  })

  it('ignores what is not text', async () => {
    open()
    const peer = await connected()
    peer.send(Buffer.from([1, 2, 3]))
    peer.send('text')
    await tells(['open', 'text'])
    expect(told).toEqual(['open', 'text'])
  })

  it('is new each time: closing one does not hinder the next', async () => {
    for (let life = 0; life < 3; life += 1) {
      const socket = open()
      const peer = await connected()
      await vi.waitUntil(() => told.filter((event) => event === 'open').length === life + 1)
      socket.close()
      peer.terminate()
    }
    expect(told).toEqual(['open', 'open', 'open'])
  })
})

describe('a connection that never opens', () => {
  it('is given up after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    vi.stubGlobal(
      'WebSocket',
      class extends EventTarget {
        readyState = 0
        close(): void {
          this.readyState = 2
        }
      },
    )
    open()
    await vi.advanceTimersByTimeAsync(9900)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(told).toEqual(['close 1006 timeout'])
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})
