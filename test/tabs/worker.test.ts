import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { OpenSocket, Socket, SocketEvents } from '../../src/connection/socket.js'
import { shareSockets } from '../../src/tabs/shared-socket.js'
import { createFakeChannels } from '../support/fake-channel.js'
import { createFakeLocks } from '../support/fake-locks.js'

interface FakeConnection {
  readonly url: string
  readonly events: SocketEvents
  readonly sent: string[]
}

const { connections, openSocket } = vi.hoisted(() => {
  const opened: FakeConnection[] = []
  const open: OpenSocket = (url, events) => {
    const connection: FakeConnection = { url, events, sent: [] }
    opened.push(connection)
    return { send: (text) => connection.sent.push(text), close: () => undefined }
  }
  return { connections: opened, openSocket: open }
})

vi.mock('../../src/connection/socket.js', () => ({ openSocket }))

const URL = 'ws://relay.test/signals'
const WORKER = '/signalpost-worker.min.js'

/** One end of a MessageChannel. */
class FakePort {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined
  other: FakePort | undefined
  isClosed = false

  postMessage(data: unknown): void {
    const copy: unknown = structuredClone(data)
    queueMicrotask(() => !this.isClosed && this.other?.onmessage?.({ data: copy }))
  }

  close(): void {
    this.isClosed = true
  }
}

let locks: ReturnType<typeof createFakeLocks>
let workers: string[]
let isBlocked: boolean

/** Starts the worker with its first page, as a browser does. */
class FakeSharedWorker {
  onerror: (() => void) | undefined
  readonly port = new FakePort()

  constructor(address: string) {
    workers.push(address)
    const far = new FakePort()
    this.port.other = far
    far.other = this.port
    if (isBlocked) return
    const { onconnect } = globalThis as unknown as { onconnect: (event: unknown) => void }
    onconnect({ ports: [far] })
  }
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(10)

function openTab(): Socket & { readonly told: string[] } {
  const told: string[] = []
  const socket = shareSockets(openSocket, WORKER)(URL, {
    onOpen: () => told.push('open'),
    onHelloNeeded: () => undefined,
    onText: (text) => told.push(text),
    onClose: (code, reason) => told.push(`close ${code} ${reason}`.trim()),
  })
  return { ...socket, told }
}

async function startWorker(): Promise<void> {
  vi.resetModules()
  await import('../../src/tabs/worker.js')
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  connections.length = 0
  workers = []
  isBlocked = false
  locks = createFakeLocks()
  vi.stubGlobal('navigator', { locks })
  vi.stubGlobal('BroadcastChannel', createFakeChannels().FakeChannel)
  vi.stubGlobal('SharedWorker', FakeSharedWorker)
  vi.stubGlobal('addEventListener', () => undefined)
  await startWorker()
})

describe('a worker', () => {
  it('has the connection of all tabs, and knows which of them are gone', async () => {
    const [first, second] = [openTab(), openTab()]
    await settle()
    connections[0]?.events.onOpen()
    await settle()
    first.send('from the first')
    second.send('from the second')
    await settle()
    connections[0]?.events.onText('1,2 {"n":1}')
    await settle()
    expect([first.told, second.told]).toEqual([
      ['open', '{"n":1}'],
      ['open', '{"n":1}'],
    ])
    expect(connections.map(({ url, sent }) => [url, sent])).toEqual([
      [`${URL}?shared`, ['1 from the first', '2 from the second']],
    ])
    const pages = locks.held().filter((name) => name.startsWith(`signalpost 1 ${URL} `))
    // Both pages and the worker hold one each; the last one is that of the worker or of the second page.
    expect(pages).toHaveLength(3)
    second.close()
    await settle()
    expect(connections[0]?.sent).toEqual(['1 from the first', '2 from the second', '2'])
  })

  it('is replaced when it is gone, and its sockets are lost', async () => {
    const tab = openTab()
    await settle()
    connections[0]?.events.onOpen()
    await settle()
    const worker = locks.held().at(-1) ?? ''
    await startWorker()
    locks.release(worker)
    await settle()
    expect(tab.told).toEqual(['open', 'close 4508 another tab has the connection'])
    expect(workers).toEqual([WORKER, WORKER])
  })

  it('loses its sockets when it is gone and the next one does not answer', async () => {
    const tab = openTab()
    await settle()
    connections[0]?.events.onOpen()
    await settle()
    isBlocked = true
    locks.release(locks.held().at(-1) ?? '')
    await vi.advanceTimersByTimeAsync(2000)
    expect(tab.told).toEqual(['open', 'close 4508 the worker does not answer'])
  })

  it.each([
    ['does not answer', () => (isBlocked = true)],
    [
      'is not allowed',
      () =>
        vi.stubGlobal('SharedWorker', function refuse() {
          throw new DOMException('Not here', 'SecurityError')
        }),
    ],
  ])('gives way to a tab when it %s', async (_how, block) => {
    block()
    const tab = openTab()
    await vi.advanceTimersByTimeAsync(1600)
    connections[0]?.events.onOpen()
    await settle()
    tab.send('hello')
    await settle()
    expect([tab.told, connections.map(({ sent }) => sent)]).toEqual([['open'], [['1 hello']]])
    tab.close()
    await settle()
    expect([locks.held(), vi.getTimerCount()]).toEqual([[], 0])
  })
})
