import { beforeEach, describe, expect, it, vi } from 'vitest'
import { WELCOME_TIMEOUT } from '../../src/connection/timing.js'
import type { OpenSocket, Socket, SocketEvents } from '../../src/connection/socket.js'
import { wrapSocket } from '../../src/fallback/fallback.js'

const WELCOME = '{"type":"welcome","v":1,"tab":"t","beat":25000,"maxBytes":65536,"window":900000}'
const MINUTE = 60_000

/** A WebSocket that does what the test tells it to. */
interface FakeSocket extends Socket {
  readonly events: SocketEvents
  isClosed: boolean
}

let sockets: FakeSocket[]
let requests: string[]
let told: string[]

const openSocket: OpenSocket = (_url, events) => {
  const socket = { events, isClosed: false, send: () => undefined, close: () => void (socket.isClosed = true) }
  sockets.push(socket)
  return socket
}

/** Connects like a client: says hello whenever it is asked to. */
function connectBy(open: OpenSocket): Socket {
  const sayHello = (): void => socket.send('{"type":"hello","v":1,"tab":"secret","rooms":[]}')
  const socket = open('ws://relay.test/signals', {
    onOpen: sayHello,
    onHelloNeeded: sayHello,
    onText: (text) => void told.push((JSON.parse(text) as { type: string }).type),
    onClose: (code, reason) => void told.push(`close ${code} ${reason}`.trim()),
  })
  return socket
}

const block = (socket: FakeSocket | undefined): void => socket?.events.onClose(1006, '')
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(10)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  sockets = []
  requests = []
  told = []
  vi.stubGlobal('fetch', async (_url: string, { body, signal }: { body: string; signal: AbortSignal }) => {
    requests.push(body)
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`data: ${WELCOME}\n\n`))
        signal.addEventListener('abort', () => controller.error(signal.reason))
      },
    })
    return new Response(stream)
  })
})

describe('the fallback', () => {
  it('sends nothing by HTTP while WebSockets work', async () => {
    connectBy(wrapSocket(openSocket))
    sockets[0]?.events.onOpen()
    sockets[0]?.events.onText(WELCOME)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([told, requests, sockets.length]).toEqual([['welcome'], [], 1])
  })

  it('leaves a connection alone that the relay ends with a code of its own', async () => {
    connectBy(wrapSocket(openSocket))
    sockets[0]?.events.onOpen()
    sockets[0]?.events.onClose(4401, 'the token is missing')
    await settle()
    expect([told, requests]).toEqual([['close 4401 the token is missing'], []])
  })

  it.each(['opens', 'does not open'])('P14.7 gives up a WebSocket that %s and brings no frame in time', async (how) => {
    connectBy(wrapSocket(openSocket))
    if (how === 'opens') sockets[0]?.events.onOpen()
    await vi.advanceTimersByTimeAsync(3900)
    expect(requests).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect([told, requests.length, sockets[0]?.isClosed]).toEqual([['welcome'], 1, true])
  })

  it('P14.7 tries WebSockets again after 1, 2 and 4 minutes, and returns to one that opens', async () => {
    const open = wrapSocket(openSocket)
    connectBy(open)
    block(sockets[0])
    await settle()
    for (const [index, minutes] of [1, 2, 4].entries()) {
      await vi.advanceTimersByTimeAsync(minutes * MINUTE - 100)
      expect(sockets).toHaveLength(index + 1)
      await vi.advanceTimersByTimeAsync(200)
      expect(sockets).toHaveLength(index + 2)
      if (minutes < 4) block(sockets.at(-1))
    }
    sockets.at(-1)?.events.onOpen()
    expect(told).toEqual(['welcome', 'close 4508 WebSockets work again'])
    connectBy(open)
    sockets.at(-1)?.events.onOpen()
    sockets.at(-1)?.events.onText(WELCOME)
    expect([told.at(-1), requests.length, sockets.length]).toEqual(['welcome', 1, 5])
  })

  it('uses HTTP at once where a WebSocket failed less than a minute ago', async () => {
    const open = wrapSocket(openSocket)
    const socket = connectBy(open)
    block(sockets[0])
    await settle()
    socket.close()
    connectBy(open)
    await settle()
    expect([told, requests.length, sockets.length]).toEqual([['welcome', 'welcome'], 2, 1])
  })

  it('leaves no timer and no request behind when it is closed', async () => {
    const socket = connectBy(wrapSocket(openSocket))
    block(sockets[0])
    await settle()
    socket.close()
    await settle()
    expect([vi.getTimerCount(), told]).toEqual([0, ['welcome']])
  })

  it('reports a closed connection where HTTP brings no answer, before the client blames the server', async () => {
    vi.stubGlobal('fetch', () => new Promise(() => undefined))
    connectBy(wrapSocket(openSocket))
    block(sockets[0])
    await vi.advanceTimersByTimeAsync(WELCOME_TIMEOUT - 10)
    expect([told, vi.getTimerCount()]).toEqual([['close 1006'], 0])
  })

  it('reports a closed connection where HTTP fails, too', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    connectBy(wrapSocket(openSocket))
    block(sockets[0])
    await settle()
    expect(told).toEqual(['close 1006'])
  })
})

const LAST = '{"type":"close","code":1000,"reason":"ask again"}'
const waits = (): unknown[] => requests.map((body) => (JSON.parse(body) as { wait?: number }).wait)

describe('behind a proxy that buffers', () => {
  let isSilent: boolean
  let beat: number

  beforeEach(() => {
    isSilent = false
    beat = 25_000
    vi.stubGlobal('fetch', async (_url: string, { body, signal }: { body: string; signal: AbortSignal }) => {
      requests.push(body)
      const wait = isSilent ? undefined : waits().at(-1)
      await new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        if (typeof wait === 'number') setTimeout(resolve, wait)
      })
      return new Response(`data: ${WELCOME.replace('25000', String(beat))}\n\ndata: ${LAST}\n\n`)
    })
  })

  it.each([5000, 25_000])(
    'P14.8 the relay holds no first answer, and the next ones for a beat of %i ms',
    async (time) => {
      beat = time
      const socket = connectBy(wrapSocket(openSocket))
      block(sockets[0])
      await vi.advanceTimersByTimeAsync(2600)
      expect(waits()).toEqual([undefined, 0, beat])
      await vi.advanceTimersByTimeAsync(beat)
      expect(waits()).toEqual([undefined, 0, beat, beat])
      socket.close()
    },
  )

  it('an answer that never comes is no reason to try a stream again', async () => {
    const open = wrapSocket(openSocket)
    const socket = connectBy(open)
    block(sockets[0])
    await vi.advanceTimersByTimeAsync(2600)
    isSilent = true
    await vi.advanceTimersByTimeAsync(56_500)
    socket.send('{"type":"ping"}')
    socket.close()
    isSilent = false
    connectBy(open)
    await settle()
    expect(waits()).toEqual([undefined, 0, 25_000, 25_000, 0, 25_000])
  })
})

describe('a hidden page without WebSockets', () => {
  /** A page whose tab the user shows and hides. */
  function hide(page: EventTarget & { visibilityState: string }, isHidden: boolean): void {
    page.visibilityState = isHidden ? 'hidden' : 'visible'
    page.dispatchEvent(new Event('visibilitychange'))
  }

  it('P14.9 holds no connection, and asks every 15 s; seen again, it gets a stream at once', async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    vi.stubGlobal('document', page)
    vi.stubGlobal('fetch', async (_url: string, { body }: { body: string }) => {
      requests.push(body)
      const isHeld = (JSON.parse(body) as { wait?: number }).wait === undefined
      return isHeld ? new Response(new ReadableStream()) : new Response(`data: ${WELCOME}\n\ndata: ${LAST}\n\n`)
    })
    const socket = connectBy(wrapSocket(openSocket))
    block(sockets[0])
    await settle()
    hide(page, true)
    await settle()
    expect(waits()).toEqual([undefined, 0])
    await vi.advanceTimersByTimeAsync(14_900)
    expect(waits()).toEqual([undefined, 0])
    await vi.advanceTimersByTimeAsync(15_100)
    expect(waits()).toEqual([undefined, 0, 0, 0])
    hide(page, false)
    await settle()
    expect(waits()).toEqual([undefined, 0, 0, 0, undefined])
    socket.close()
    hide(page, true)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([waits().length, vi.getTimerCount(), told]).toEqual([5, 0, ['welcome']])
  })
})
