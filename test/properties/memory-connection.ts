import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { WebSocket as RelaySocket } from 'ws'

/** How long everything takes to the other side, in milliseconds. */
const LATENCY = 1

/** One connection between a page and a relay without a network between them: what TCP may do to it, a test can do. */
export interface MemoryConnection {
  /** What `new WebSocket(…)` gives to the page. */
  readonly page: PageSocket
  /** Whether the page may still send on it. */
  readonly isLive: boolean
  readonly isStalled: boolean
  /** The relay's side: the message events and the bytes of one connection. */
  readonly ws: RelaySocket
  readonly socket: Duplex
  /** The relay takes the connection. */
  open(): void
  /** Ends it for both sides at once; what is on its way is gone. */
  cut(): void
  /** Half-open: nothing moves any more, in both directions or in one, and nobody is told. */
  stall(way?: Way): void
  /** What was held up moves on. */
  heal(): void
}

export type Way = 'both' | 'toRelay' | 'toPage'

export interface MemoryConnectionOptions {
  readonly url: string
  /** Runs the page's code. @default calls it */
  readonly inPage?: (call: () => void) => void
  /** Runs what is not the page's code, though the page caused it. @default calls it */
  readonly outside?: (call: () => void) => void
  /** A frame of the page is on its way. */
  readonly onSent: (text: string) => void
  /** A frame has arrived at the page, which handles it in `handle`. Not to call it loses the frame. */
  readonly onArrived: (text: string, handle: () => void) => void
  /** A listener threw, which a browser would report as an uncaught error. */
  readonly onThrow: (error: unknown) => void
}

type PageEvent = { readonly type: string; readonly target: unknown } & Record<string, unknown>
type PageListener = (event: PageEvent) => void

interface PageSocket {
  readonly url: string
  readonly readyState: number
  send(text: string): void
  close(code?: number, reason?: string): void
}

type Ending = { readonly code: number; readonly reason: string }
type Item = { readonly text: string } | { readonly ending: Ending } | { readonly probe: true }

export function createMemoryConnection({
  url,
  inPage = call,
  outside = call,
  onSent,
  onArrived,
  onThrow,
}: MemoryConnectionOptions): MemoryConnection {
  const listeners = new Map<string, Set<PageListener>>()
  const relaySide = new EventEmitter()
  let pageState = 0
  let relayState = 0
  let stalled: Way | undefined
  let isPaused = false
  let corked: Buffer[] | undefined
  let lastError = 1006
  const toRelay = createQueue(arriveAtRelay)
  const toPage = createQueue(arriveAtPage)

  const page = {
    url,
    CONNECTING: 0,
    OPEN: 1,
    CLOSING: 2,
    CLOSED: 3,
    binaryType: 'blob',
    bufferedAmount: 0,
    protocol: '',
    extensions: '',
    get readyState() {
      return pageState
    },
    send(text: string) {
      if (pageState === 0) throw new Error('InvalidStateError: still connecting')
      if (pageState !== 1) return
      outside(() => {
        onSent(text)
        toRelay.push({ text })
      })
    },
    close(code = 1000, reason = '') {
      if (pageState > 1) return
      const wasOpen = pageState === 1
      pageState = 2
      lastError = wasOpen ? code : 1006
      outside(() => {
        if (wasOpen) toRelay.push({ ending: { code, reason } })
        else setTimeout(endPage, LATENCY, 1006, '')
      })
    },
    addEventListener(type: string, listener: PageListener) {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener))
    },
    removeEventListener(type: string, listener: PageListener) {
      listeners.get(type)?.delete(listener)
    },
  }

  function isHeld(way: Way): boolean {
    return stalled === 'both' || stalled === way
  }

  function tellPage(type: string, more: Record<string, unknown> = {}): void {
    for (const listener of listeners.get(type) ?? [])
      guard(() => inPage(() => listener({ type, target: page, ...more })))
  }

  function guard(what: () => void): void {
    try {
      what()
    } catch (error) {
      onThrow(error)
    }
  }

  function endPage(code: number, reason: string): void {
    if (pageState === 3) return
    pageState = 3
    toPage.clear()
    if (code === 1006) tellPage('error')
    tellPage('close', { code, reason, wasClean: code !== 1006 })
  }

  function endRelay(code: number): void {
    if (relayState === 3) return
    relayState = 3
    toRelay.clear()
    corked = undefined
    guard(() => relaySide.emit('close', code, Buffer.alloc(0)))
    socket.destroyed = true
    guard(() => relaySide.emit('socket-close'))
  }

  function arriveAtRelay(item: Item): void {
    if (relayState === 3) return
    if ('text' in item) guard(() => relaySide.emit('message', Buffer.from(item.text), false))
    else if ('probe' in item) guard(() => relaySide.emit('pong'))
    else {
      endRelay(item.ending.code)
      if (pageState < 3) toPage.push({ ending: { code: lastError, reason: '' } })
    }
  }

  function arriveAtPage(item: Item): void {
    if ('text' in item) {
      // A page that is closing still gets what the relay had sent.
      if (pageState < 3) onArrived(item.text, () => pageState < 3 && tellPage('message', { data: item.text }))
    } else if ('probe' in item) toRelay.push(item)
    else {
      endPage(item.ending.code, item.ending.reason)
      if (relayState < 3) toRelay.push(item)
    }
  }

  function transmit(bytes: Buffer): void {
    for (const text of textsOf(bytes)) toPage.push({ text })
  }

  const ws = Object.assign(relaySide, {
    CONNECTING: 0,
    OPEN: 1,
    CLOSING: 2,
    CLOSED: 3,
    pause() {
      isPaused = true
      toRelay.hold(true)
    },
    resume() {
      isPaused = false
      toRelay.hold(isHeld('toRelay'))
    },
    ping: () => toPage.push({ probe: true }),
    close(code: number, reason: string) {
      if (relayState !== 1) return
      relayState = 2
      toPage.push({ ending: { code, reason } })
    },
    terminate() {
      toPage.clear()
      endRelay(1006)
      toPage.push({ ending: { code: 1006, reason: '' } })
    },
  })
  Object.defineProperty(ws, 'readyState', { get: () => relayState })
  Object.defineProperty(ws, 'isPaused', { get: () => isPaused })

  const socket = {
    destroyed: false,
    get writableLength() {
      const gathered = corked?.reduce((sum, { length }) => sum + length, 0) ?? 0
      return gathered + (isHeld('toPage') ? toPage.bytes() : 0)
    },
    cork() {
      corked ??= []
    },
    uncork() {
      const gathered = corked ?? []
      corked = undefined
      for (const bytes of gathered) transmit(bytes)
    },
    write(bytes: Buffer) {
      if (relayState !== 1) return
      if (corked) corked.push(bytes)
      else transmit(bytes)
    },
    on: (type: string, listener: () => void) => relaySide.on(`socket-${type}`, listener),
    off: (type: string, listener: () => void) => relaySide.off(`socket-${type}`, listener),
  }

  return {
    page,
    get isLive() {
      return pageState < 2
    },
    get isStalled() {
      return stalled !== undefined
    },
    // The relay's core uses no more of either than what stands here.
    ws: ws as unknown as RelaySocket,
    socket: socket as unknown as Duplex,
    open() {
      relayState = 1
      if (pageState === 0) {
        pageState = 1
        tellPage('open')
      } else toRelay.push({ ending: { code: 1006, reason: '' } })
    },
    cut() {
      toRelay.clear()
      toPage.clear()
      endRelay(1006)
      endPage(1006, '')
    },
    stall(way = 'both') {
      stalled = way
      toRelay.hold(isPaused || isHeld('toRelay'))
      toPage.hold(isHeld('toPage'))
    },
    heal() {
      stalled = undefined
      toRelay.hold(isPaused)
      toPage.hold(false)
      guard(() => relaySide.emit('socket-drain'))
    },
  }
}

const call = (what: () => void): void => what()

interface Queue {
  push(item: Item): void
  clear(): void
  hold(isHeld: boolean): void
  bytes(): number
}

/** One direction: everything arrives in order, and what is sent together arrives together. */
function createQueue(arrive: (item: Item) => void): Queue {
  const items: Item[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let isHeld = false

  function arrange(): void {
    if (timer === undefined && items.length > 0 && !isHeld) timer = setTimeout(flush, LATENCY)
  }

  function flush(): void {
    timer = undefined
    const due = items.length
    for (let count = 0; count < due; count++) {
      // What arrives may have this direction held, or ended.
      const item = isHeld ? undefined : items.shift()
      if (item) arrive(item)
    }
    arrange()
  }

  return {
    push(item) {
      items.push(item)
      arrange()
    },
    clear() {
      items.length = 0
      clearTimeout(timer)
      timer = undefined
    },
    hold(next) {
      isHeld = next
      if (isHeld) {
        clearTimeout(timer)
        timer = undefined
      } else arrange()
    },
    bytes: () => items.reduce((sum, item) => sum + ('text' in item ? item.text.length : 0), 0),
  }
}

/** Reads the frames of a server: final, text, not masked. Anything else is a defect of who wrote them. */
export function textsOf(bytes: Buffer): string[] {
  const texts: string[] = []
  for (let start = 0; start < bytes.length;) {
    const mark = bytes[start + 1] ?? 0
    if (bytes[start] !== 0x81 || mark > 127) throw new Error('not a final text frame of a server')
    const head = { 126: 4, 127: 10 }[mark] ?? 2
    let length = mark
    if (head === 4) length = bytes.readUInt16BE(start + 2)
    if (head === 10) length = Number(bytes.readBigUInt64BE(start + 2))
    if (start + head + length > bytes.length) throw new Error('a frame that is longer than its bytes')
    texts.push(bytes.toString('utf8', start + head, start + head + length))
    start += head + length
  }
  return texts
}
