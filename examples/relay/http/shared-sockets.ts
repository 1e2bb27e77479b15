import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { encode } from '../../../src/protocol/codec.js'
import type { Connections } from '../connection/connections.js'
import type { Admission, Rejection } from '../limits/admission.js'
import { textFrame, textsOf } from '../output/frame.js'
import { type TabCarrier, TabSocket } from './tab-socket.js'

/** A message of a client: the number of a tab, and a frame of it. Without a frame, the connection of the tab has ended. */
const MESSAGE = /^(\d{1,9})(?: (.*))?$/s
/** A frame of all tabs waits when paused tabs hold so many characters. */
const MAX_HELD = 1_048_576
/** Refused tabs break a connection that leaves so many bytes unread. */
const MAX_UNREAD = 1_048_576
/** Time over which tabs come back that open while the relay shuts down (ms). */
const RETURN_SPREAD = 1000

export interface SharedSocketsOptions {
  readonly connections: Pick<Connections, 'add' | 'reject'>
  /** Fresh tabs would get round the limits of connections. */
  readonly admission: Admission
  readonly isDraining: () => boolean
  /** The largest frame of a tab (bytes). */
  readonly maxBytes: number
  /** How long a socket may have no tab (ms). */
  readonly helloTimeout: number
}

/** Carries the connections of all tabs of a browser. */
export type OpenSharedSocket = (ws: WebSocket, socket: Duplex, address?: string) => void

export interface SharedSockets {
  /** The number of sockets. */
  readonly size: number
  /** The number of connections that they carry. */
  readonly tabs: number
  readonly open: OpenSharedSocket
}

/** Frames that go to some tabs together. */
interface Delivery {
  readonly content: Buffer | string
  readonly tabs: number[]
}

export function createSharedSockets(options: SharedSocketsOptions): SharedSockets {
  const sockets = new Set<SharedSocket>()
  return {
    get size() {
      return sockets.size
    },
    get tabs() {
      let tabs = 0
      for (const { size } of sockets) tabs += size
      return tabs
    },
    open(ws, socket, address) {
      const shared = new SharedSocket(ws, socket, options, address)
      sockets.add(shared)
      ws.on('close', () => sockets.delete(shared))
    },
  }
}

class SharedSocket implements TabCarrier {
  readonly #ws: WebSocket
  readonly socket: Duplex
  readonly #options: SharedSocketsOptions
  readonly #address: string | undefined
  readonly #tabs = new Map<number, TabSocket>()
  #deliveries: Delivery[] = []
  #newest = 0
  #held = 0
  #isPinged = false
  #idleTimer: NodeJS.Timeout | undefined

  constructor(ws: WebSocket, socket: Duplex, options: SharedSocketsOptions, address: string | undefined) {
    this.#ws = ws
    this.socket = socket
    this.#options = options
    this.#address = address
    // Each tab waits for `drain` on its own.
    socket.setMaxListeners(0)
    ws.on('message', (bytes: Buffer, isBinary) => this.#read(isBinary ? '' : bytes.toString()))
    ws.on('error', () => {})
    ws.on('pong', () => {
      this.#isPinged = false
      for (const tab of this.#tabs.values()) tab.pong()
    })
    ws.on('close', (code) => {
      clearTimeout(this.#idleTimer)
      for (const tab of this.#tabs.values()) tab.finish(code)
    })
    this.#waitForTabs()
  }

  get isPaused(): boolean {
    return this.#ws.isPaused
  }

  /** The number of open tabs. */
  get size(): number {
    return this.#tabs.size
  }

  #read(message: string): void {
    const [, digits, text] = MESSAGE.exec(message) ?? []
    if (digits === undefined) return this.#ws.close(CloseCode.BadFrame, 'not a message of a shared connection')
    const number = Number(digits)
    const tab = this.#tabs.get(number)
    if (text === undefined) return tab?.finish(CloseCode.Normal)
    // The tab does not know yet that its connection has ended.
    if (!tab && number <= this.#newest) return
    if (Buffer.byteLength(text) > this.#options.maxBytes) return this.#refuseLarge(number, tab)
    const opened = tab ?? this.#open(number)
    opened?.receive(text)
  }

  #refuseLarge(number: number, tab: TabSocket | undefined): void {
    const reason = `frames may have ${this.#options.maxBytes} bytes`
    if (tab) tab.close(CloseCode.MessageTooBig, reason)
    else this.#refuse(number, CloseCode.MessageTooBig, reason)
  }

  #refuse(number: number, code: number, reason: string): undefined {
    this.#newest = number
    if (!this.#terminateUnread()) this.end(number, code, reason)
  }

  /** Breaks a connection that does not read how its tabs are refused, and returns whether it did. */
  #terminateUnread(): boolean {
    const isUnread = this.socket.writableLength > MAX_UNREAD
    if (isUnread) this.terminate()
    return isUnread
  }

  /** Asks a tab to come back to a relay that is up. */
  #refuseInDrain(number: number): undefined {
    const retryAfter = Math.floor(Math.random() * RETURN_SPREAD)
    this.deliver(number, encode({ type: 'goodbye', retryAfter, reason: 'restart' }))
    return this.#refuse(number, CloseCode.Restart, 'restart')
  }

  #reject(number: number, rejection: Rejection): undefined {
    this.#newest = number
    if (this.#terminateUnread()) return
    const tab = new TabSocket(this, number)
    this.#options.connections.reject(tab, tab.output, rejection)
  }

  #open(number: number): TabSocket | undefined {
    const { connections, admission, isDraining } = this.#options
    const address = this.#address
    if (isDraining()) return this.#refuseInDrain(number)
    const rejection = admission.admit(address)
    if (rejection) return this.#reject(number, rejection)
    this.#newest = number
    const tab = new TabSocket(this, number)
    this.#tabs.set(number, tab)
    clearTimeout(this.#idleTimer)
    connections.add(tab, tab.output, address)
    tab.on('close', () => {
      admission.release(address)
      this.#tabs.delete(number)
      if (this.#tabs.size === 0) this.#waitForTabs()
    })
    return tab
  }

  /** Signals of a room go to several tabs as one message: their writers share the buffer. */
  deliver(tab: number, content: Buffer | string): void {
    const last = this.#deliveries.at(-1)
    if (last?.content === content) return void last.tabs.push(tab)
    if (this.#deliveries.push({ content, tabs: [tab] }) === 1) queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    const deliveries = this.#deliveries
    this.#deliveries = []
    if (this.#ws.readyState !== this.#ws.OPEN) return
    const messages = deliveries.map(({ content, tabs }) => {
      const texts = typeof content === 'string' ? content : textsOf(content).join('\n')
      return textFrame(`${tabs.join(',')} ${texts}`)
    })
    this.socket.write(Buffer.concat(messages))
  }

  end(tab: number, code: number, reason: string): undefined {
    this.deliver(tab, JSON.stringify({ type: 'close', code, reason }))
  }

  ping(): void {
    if (this.#isPinged) return
    this.#isPinged = true
    this.#ws.ping()
  }

  hold(characters: number): void {
    this.#held += characters
    if (this.#held > MAX_HELD) this.#ws.pause()
    else if (this.#ws.isPaused) this.#ws.resume()
  }

  terminate(): void {
    this.#ws.terminate()
  }

  #waitForTabs(): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return
    const end = (): void => this.#ws.close(CloseCode.HelloTimeout, 'no tab in time')
    this.#idleTimer = setTimeout(end, this.#options.helloTimeout).unref()
  }
}
