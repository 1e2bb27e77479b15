import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { FrameOutput, FrameSocket } from '../output/frame-socket.js'

const OPEN = 1
const CLOSED = 3

/** How a tab uses the socket that it shares. */
export interface Channel {
  /** Sends WebSocket frames, which tabs may share. */
  write(frames: Buffer): void
  ping(): void
  /** Counts the bytes of frames that wait because the tab is paused; negative for those that wait no more. */
  hold(bytes: number): void
  /** Tells the tab that its connection has ended. */
  end(code: number, reason: string): void
  /** Breaks the connection of all tabs. */
  terminate(): void
}

/** The connection of one tab, whose frames go through a socket that all tabs of a browser share. */
export class TabSocket extends EventEmitter implements FrameSocket {
  readonly OPEN = OPEN
  readonly CLOSED = CLOSED
  readyState = OPEN
  isPaused = false
  readonly output: FrameOutput
  readonly #channel: Channel
  #waiting: string[] = []

  /** @param socket The socket that carries the frames of all tabs. */
  constructor(socket: Duplex, channel: Channel) {
    super()
    this.#channel = channel
    this.output = {
      get destroyed() {
        return socket.destroyed
      },
      get writableLength() {
        return socket.writableLength
      },
      write(frames: Buffer) {
        channel.write(frames)
        return true
      },
      on: socket.on.bind(socket),
      off: socket.off.bind(socket),
    }
  }

  /** Passes on a text of the tab, as soon as nothing pauses it. */
  receive(text: string): void {
    if (this.readyState === CLOSED) return
    if (!this.isPaused) return void this.emit('message', Buffer.from(text), false)
    this.#waiting.push(text)
    this.#channel.hold(text.length)
  }

  pong(): void {
    this.emit('pong')
  }

  ping(): void {
    this.#channel.ping()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    for (let text = this.#next(); text !== undefined; text = this.#next()) {
      this.#channel.hold(-text.length)
      this.emit('message', Buffer.from(text), false)
    }
  }

  close(code: number, reason: string): void {
    if (this.readyState === CLOSED) return
    this.#channel.end(code, reason)
    this.finish(code)
  }

  terminate(): void {
    if (this.readyState !== CLOSED) this.#channel.terminate()
  }

  /** Ends the connection without telling the tab. */
  finish(code: number): void {
    if (this.readyState === CLOSED) return
    this.readyState = CLOSED
    for (const text of this.#waiting.splice(0)) this.#channel.hold(-text.length)
    // Callers of close() listen after the call.
    queueMicrotask(() => this.emit('close', code))
  }

  #next(): string | undefined {
    return this.isPaused ? undefined : this.#waiting.shift()
  }
}
