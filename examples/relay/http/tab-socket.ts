import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { FrameOutput, FrameSocket } from '../output/frame-socket.js'

const OPEN = 1
const CLOSED = 3

/** The socket that the tabs of a browser share. Each tab has a number on it. */
export interface TabCarrier {
  readonly socket: Duplex
  readonly isPaused: boolean
  /** Sends WebSocket frames, which tabs may share. */
  deliver(tab: number, frames: Buffer): void
  ping(): void
  /** Counts the characters that wait because a tab is paused; negative for those that wait no more. */
  hold(characters: number): void
  /** Tells a tab that its connection has ended. */
  end(tab: number, code: number, reason: string): void
  /** Breaks the connections of all tabs. */
  terminate(): void
}

/** A class, because an object with closures for each tab would take more memory. */
class TabOutput implements FrameOutput {
  readonly #carrier: TabCarrier
  readonly #tab: number

  constructor(carrier: TabCarrier, tab: number) {
    this.#carrier = carrier
    this.#tab = tab
  }

  get destroyed(): boolean {
    return this.#carrier.socket.destroyed
  }

  get writableLength(): number {
    return this.#carrier.socket.writableLength
  }

  write(frames: Buffer): boolean {
    this.#carrier.deliver(this.#tab, frames)
    return true
  }

  on(event: 'drain' | 'close', listener: () => void): unknown {
    return this.#carrier.socket.on(event, listener)
  }

  off(event: 'drain' | 'close', listener: () => void): unknown {
    return this.#carrier.socket.off(event, listener)
  }
}

/** The connection of one tab, whose frames go through a socket that all tabs of a browser share. */
export class TabSocket extends EventEmitter implements FrameSocket {
  readonly OPEN = OPEN
  readonly CLOSED = CLOSED
  readyState = OPEN
  readonly output: FrameOutput
  readonly #carrier: TabCarrier
  readonly #tab: number
  #isHeld = false
  #waiting: string[] | undefined

  constructor(carrier: TabCarrier, tab: number) {
    super()
    this.#carrier = carrier
    this.#tab = tab
    this.output = new TabOutput(carrier, tab)
  }

  /** True also while the socket of all tabs is paused. */
  get isPaused(): boolean {
    return this.#isHeld || this.#carrier.isPaused
  }

  /** Passes on a text of the tab, as soon as nothing pauses it. */
  receive(text: string): void {
    if (this.readyState === CLOSED) return
    if (!this.#isHeld) return void this.emit('message', Buffer.from(text), false)
    this.#waiting ??= []
    this.#waiting.push(text)
    this.#carrier.hold(text.length)
  }

  pong(): void {
    this.emit('pong')
  }

  ping(): void {
    this.#carrier.ping()
  }

  pause(): void {
    this.#isHeld = true
  }

  resume(): void {
    this.#isHeld = false
    for (let text = this.#next(); text !== undefined; text = this.#next()) {
      this.#carrier.hold(-text.length)
      this.emit('message', Buffer.from(text), false)
    }
  }

  close(code: number, reason: string): void {
    if (this.readyState === CLOSED) return
    this.#carrier.end(this.#tab, code, reason)
    this.finish(code)
  }

  terminate(): void {
    if (this.readyState !== CLOSED) this.#carrier.terminate()
  }

  /** Ends the connection without telling the tab. */
  finish(code: number): void {
    if (this.readyState === CLOSED) return
    this.readyState = CLOSED
    for (const text of this.#waiting?.splice(0) ?? []) this.#carrier.hold(-text.length)
    // Callers of close() listen after the call.
    queueMicrotask(() => this.emit('close', code))
  }

  #next(): string | undefined {
    return this.#isHeld ? undefined : this.#waiting?.shift()
  }
}
