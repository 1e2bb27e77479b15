import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { OpenSocket, Socket, SocketEvents } from '../../src/connection/socket.js'
import type { Transport } from '../../src/connection/transport.js'
import { shareSockets } from '../../src/tabs/shared-socket.js'
import { createFakeChannels } from '../support/fake-channel.js'
import { createFakeLocks } from '../support/fake-locks.js'

const URL = 'ws://relay.test/signals'

/** A WebSocket of one of the tabs. */
interface FakeConnection {
  readonly url: string
  readonly events: SocketEvents
  readonly sent: string[]
  isClosed: boolean
}

/** A tab of the browser. */
interface Tab {
  readonly attach: (transport: Transport) => void
  /** Opens a socket, which tells what happens to it. */
  open(): Socket & { readonly told: string[] }
}

let connections: FakeConnection[]
let channels: ReturnType<typeof createFakeChannels>
let locks: ReturnType<typeof createFakeLocks>
let page: EventTarget & { visibilityState: string }

const openSocket: OpenSocket = (url, events) => {
  const connection: FakeConnection = { url, events, sent: [], isClosed: false }
  connections.push(connection)
  return { send: (text) => connection.sent.push(text), close: () => void (connection.isClosed = true) }
}

function openTab(): Tab {
  const open = shareSockets(openSocket)
  return {
    attach: open.attach,
    open() {
      const told: string[] = []
      const socket = open(URL, {
        onOpen: () => told.push('open'),
        onHelloNeeded: () => undefined,
        onText: (text) => told.push(text),
        onClose: (code, reason) => told.push(`close ${code} ${reason}`.trim()),
      })
      return { ...socket, told }
    },
  }
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(10)
const hang = (tab: number): void => void ([...channels.open][tab]!.isHanging = true)
const goOn = (tab: number): void => [...channels.open][tab]?.goOn()

/** Opens a socket in each of two tabs, the first of which has the connection, and says hello in this order. */
async function openTwo(order: readonly (0 | 1)[] = [0, 1]) {
  const tabs = [openTab(), openTab()] as const
  const first = tabs[0].open()
  await settle()
  const second = tabs[1].open()
  await settle()
  const connection = connections[0] as FakeConnection
  connection.events.onOpen()
  await settle()
  for (const tab of order) {
    ;[first, second][tab]?.send('hello')
    await settle()
  }
  const hellos = connection.sent.splice(0)
  return { tabs, first, second, connection, hellos }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  connections = []
  channels = createFakeChannels()
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  locks = createFakeLocks()
  vi.stubGlobal('navigator', { locks })
  vi.stubGlobal('BroadcastChannel', channels.FakeChannel)
  vi.stubGlobal('document', page)
})

describe('sockets of two tabs', () => {
  it('share one connection, and get the frames of their own numbers', async () => {
    const { first, second, connection } = await openTwo()
    first.send('from the first')
    second.send('from the second')
    await settle()
    connection.events.onText('1,2 {"n":1}\n{"n":2}')
    connection.events.onText('2 {"n":3}')
    await settle()
    expect(connection.url).toBe(`${URL}?shared`)
    expect(connection.sent).toEqual(['1 from the first', '2 from the second'])
    expect([first.told, second.told]).toEqual([
      ['open', '{"n":1}', '{"n":2}'],
      ['open', '{"n":1}', '{"n":2}', '{"n":3}'],
    ])
    expect(connections).toHaveLength(1)
  })

  it('P15.1 have numbers in the order of their first frames, whichever tab is the first to say hello', async () => {
    const { first, second, connection, hellos } = await openTwo([1, 0])
    first.send('more')
    await settle()
    connection.events.onText('1 {"n":1}')
    await settle()
    expect([...hellos, ...connection.sent]).toEqual(['1 hello', '2 hello', '2 more'])
    expect([first.told, second.told]).toEqual([['open'], ['open', '{"n":1}']])
  })

  it('end one by one', async () => {
    const { first, second, connection } = await openTwo()
    connection.events.onText('2 {"type":"close","code":4401,"reason":"the token has expired"}')
    await settle()
    first.close()
    await settle()
    expect([first.told, second.told]).toEqual([['open'], ['open', 'close 4401 the token has expired']])
    expect([connection.sent, connection.isClosed]).toEqual([['2', '1'], true])
  })

  it('end together when the connection is lost', async () => {
    const { first, second, connection } = await openTwo()
    connection.events.onClose(1006, '')
    await settle()
    expect([first.told, second.told]).toEqual([
      ['open', 'close 1006'],
      ['open', 'close 1006'],
    ])
  })

  it('P15.9 lose a connection on which no tab hears anything', async () => {
    const { first, second, connection } = await openTwo()
    second.send('{"type":"ping"}')
    await vi.advanceTimersByTimeAsync(2000)
    second.close()
    await settle()
    expect([first.told, connection.isClosed]).toEqual([['open', 'close 1006 no answer'], true])
  })

  it('P15.9 keep a connection on which another tab has heard something', async () => {
    const { first, second, connection } = await openTwo()
    second.send('{"type":"ping"}')
    await vi.advanceTimersByTimeAsync(1000)
    connection.events.onText('1 {"type":"beat"}')
    await vi.advanceTimersByTimeAsync(1000)
    second.close()
    await settle()
    expect([first.told, connection.isClosed]).toEqual([['open', '{"type":"beat"}'], false])
  })

  it('P15.10 use connections of their own where the relay is of an earlier version', async () => {
    const { tabs, first, connection } = await openTwo()
    connection.events.onClose(4400, 'hello comes first')
    await settle()
    expect(first.told).toEqual(['open', 'close 4508 this relay shares nothing'])
    tabs[0].open().send('hello')
    expect(connections.map(({ url, sent }) => [url, sent])).toEqual([
      [`${URL}?shared`, []],
      [URL, ['hello']],
    ])
  })
})

describe('the tab with the connection', () => {
  it('is replaced by a tab that is seen, when it hangs for 3 s', async () => {
    const { tabs, second, connection } = await openTwo()
    hang(0)
    await vi.advanceTimersByTimeAsync(2900)
    expect(connections).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1200)
    expect(second.told).toEqual(['open', 'close 4508 another tab has the connection'])
    const again = tabs[1].open()
    await settle()
    connections[1]?.events.onOpen()
    await settle()
    expect([connections.length, again.told]).toEqual([2, ['open']])
    expect(connection.isClosed).toBe(true)
  })

  it('passes nothing on any more when it wakes up, though it does not know yet that it was replaced', async () => {
    const { tabs } = await openTwo()
    hang(0)
    locks.keepThefts()
    await vi.advanceTimersByTimeAsync(4100)
    const again = tabs[1].open()
    await settle()
    connections[1]?.events.onOpen()
    await settle()
    again.send('hello')
    await settle()
    goOn(0)
    await settle()
    connections[0]?.events.onText('1,2,3 {"n":1}')
    connections[1]?.events.onText('1 {"n":2}')
    await settle()
    expect([again.told, connections.length]).toEqual([['open', '{"n":2}'], 2])
    const late = openTab().open()
    await settle()
    late.send('late hello')
    await settle()
    expect(connections.flatMap(({ sent }) => sent.filter((text) => text.includes('late hello')))).toHaveLength(1)
    // Both hubs have opened it: it belongs to the one that said so first.
    connections[0]?.events.onText('1,2,3,4 {"n":3}')
    connections[1]?.events.onText('1,2,3,4 {"n":3}')
    await settle()
    expect(late.told).toEqual(['open', '{"n":3}'])
    locks.tellOfThefts()
    await settle()
    expect([connections[0]?.isClosed, late.told.filter((text) => text === 'open').length]).toEqual([true, 1])
  })

  it('tells the relay of a tab that is gone without a word', async () => {
    const { connection, first } = await openTwo()
    const pages = locks.held().filter((name) => name.split(' ').length === 4)
    expect(pages).toHaveLength(2)
    locks.release(pages[1] ?? '')
    await settle()
    expect([connection.sent, first.told]).toEqual([['2'], ['open']])
  })

  it('stays when nobody sees the others', async () => {
    const { second } = await openTwo()
    hang(0)
    page.visibilityState = 'hidden'
    page.dispatchEvent(new Event('visibilitychange'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect([second.told, connections.length, vi.getTimerCount()]).toEqual([['open'], 1, 0])
  })

  it('stays when a tab that hung itself has heard nothing meanwhile', async () => {
    const { second } = await openTwo()
    await vi.advanceTimersByTimeAsync(1000)
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 7000)
    await vi.advanceTimersByTimeAsync(1000)
    clock.mockRestore()
    await settle()
    expect(second.told).toEqual(['open'])
  })

  it('keeps the connection for the others when its own client closes, and nothing when they are closed, too', async () => {
    const { first, second, connection } = await openTwo()
    first.close()
    await settle()
    second.send('still there')
    await settle()
    expect([connection.sent, connection.isClosed]).toEqual([['1', '2 still there'], false])
    second.close()
    await settle()
    expect([connection.isClosed, channels.open.size, vi.getTimerCount()]).toEqual([true, 0, 0])
  })
})

describe('a page', () => {
  it('that connects again stays, and leaves when it does not', async () => {
    const status = { state: 'connecting' }
    const tab = openTab()
    tab.attach({ status, connect: () => undefined } as unknown as Transport)
    tab.open().close()
    await settle()
    expect(channels.open.size).toBe(1)
    const socket = tab.open()
    status.state = 'suspended'
    socket.close()
    await settle()
    expect([channels.open.size, locks.held()]).toEqual([0, []])
  })

  it('that waits connects as soon as another tab of its browser has a connection', async () => {
    const connect = vi.fn<() => void>()
    const transport = { status: { state: 'waiting' }, connect } as unknown as Transport
    const waiting = openTab()
    waiting.attach(transport)
    waiting.open()
    await settle()
    connections[0]?.events.onClose(1006, '')
    await settle()
    expect(connect).not.toHaveBeenCalled()
    openTab().open()
    await settle()
    connections[1]?.events.onOpen()
    await settle()
    expect(connect).toHaveBeenCalledTimes(1)
  })

  it('that the relay told to wait does not connect because another tab does: two of them would never end', async () => {
    const connect = vi.fn<() => void>()
    const { tabs, second, connection } = await openTwo()
    connection.events.onText('2 {"type":"close","code":4529,"reason":"too many connections of this user"}')
    tabs[1].attach({ status: { state: 'waiting' }, connect } as unknown as Transport)
    tabs[1].open().close()
    tabs[0].open()
    await settle()
    expect([second.told.at(-1), connect.mock.calls]).toEqual(['close 4529 too many connections of this user', []])
  })

  it('has a connection of its own where the browser has no Web Locks', () => {
    vi.stubGlobal('navigator', {})
    openTab().open()
    expect(connections.map(({ url }) => url)).toEqual([URL])
  })

  it('has a connection of its own where the browser refuses Web Locks, as in sandboxed frames', async () => {
    const request = (): Promise<never> => Promise.reject(new DOMException('Not here', 'SecurityError'))
    vi.stubGlobal('navigator', { locks: { request } })
    const socket = openTab().open()
    await settle()
    connections[0]?.events.onOpen()
    socket.send('hello')
    socket.close()
    expect(connections).toMatchObject([{ url: URL, sent: ['hello'], isClosed: true }])
    expect(socket.told).toEqual(['open'])
  })

  it('has a connection of its own where the browser forbids channels, as it may with all storage', async () => {
    vi.stubGlobal('BroadcastChannel', function refuse() {
      throw new DOMException('Not here', 'SecurityError')
    })
    const socket = openTab().open()
    await settle()
    connections[0]?.events.onOpen()
    socket.send('hello')
    openTab().open()
    await settle()
    expect(connections).toMatchObject([{ url: URL, sent: ['hello'] }, { url: URL }])
    expect(socket.told).toEqual(['open'])
  })
})
