import { EventEmitter, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { textsOf } from '../output/frame.js'
import type { FrameOutput, FrameSocket } from '../output/frame-socket.js'

/** Frames that bring no news. */
const GREETING = /^\{"type":"(?:welcome|joined)"/

const OPEN = 1
const CLOSING = 2
const CLOSED = 3
/** The code of a connection that broke (RFC 6455, section 7.4.1). */
const ABNORMAL = 1006

/** A connection without a WebSocket: its only incoming frame is the hello, and its outgoing frames are events of a response. */
export class ResponseSocket extends EventEmitter implements FrameSocket {
  readonly OPEN = OPEN
  readonly CLOSED = CLOSED
  readonly isPaused = false
  readyState = OPEN
  /** Takes WebSocket frames, which connections share, and writes their texts. */
  readonly output: FrameOutput
  /** Resolves with the first frame after the greeting, or at the end of the connection. */
  readonly whenNews: Promise<void>
  readonly #response: ServerResponse
  #code = ABNORMAL

  constructor(response: ServerResponse) {
    super()
    this.#response = response
    this.output = {
      get destroyed() {
        return response.destroyed
      },
      get writableLength() {
        return response.writableLength
      },
      write: (frames: Buffer) => {
        const texts = textsOf(frames)
        if (!texts.every((text) => GREETING.test(text))) this.emit('news')
        return response.write(texts.map(eventOf).join(''))
      },
      on: response.on.bind(response),
      off: response.off.bind(response),
    }
    this.whenNews = once(this, 'news').then(() => undefined)
    response.on('error', () => {})
    response.on('close', () => {
      this.readyState = CLOSED
      this.emit('close', this.#code)
      this.emit('news')
    })
  }

  /** Passes on a text as if the client had sent it. */
  receive(text: string): void {
    this.emit('message', Buffer.from(text), false)
  }

  /** Flushed bytes count as an answer: an HTTP client cannot answer a ping. */
  ping(): void {
    if (this.output.writableLength === 0) this.emit('pong')
  }

  pause(): void {}

  resume(): void {}

  /** Ends the response, after the frames of before, with an event that has the code and the reason of a close frame. */
  close(code: number, reason: string): void {
    if (this.readyState !== OPEN) return
    this.readyState = CLOSING
    this.#code = code
    this.#response.end(eventOf(JSON.stringify({ type: 'close', code, reason })))
  }

  terminate(): void {
    this.#response.destroy()
  }
}

function eventOf(text: string): string {
  return `data: ${text}\n\n`
}
