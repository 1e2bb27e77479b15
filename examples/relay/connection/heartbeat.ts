import type { WebSocket } from 'ws'
import type { Writer } from '../output/writer.js'

/** How finely a beat is divided: the relay is never silent for longer than a beat. */
export const TICKS_PER_BEAT = 10

/** Keeps one connection from being silent, and notices when the other side is gone. */
export class Heartbeat {
  readonly #ws: WebSocket
  readonly #writer: Writer
  #silentTicks = 0
  #ticks = 0
  #isAnswered = true

  constructor(ws: WebSocket, writer: Writer) {
    this.#ws = ws
    this.#writer = writer
    ws.on('pong', () => {
      this.#isAnswered = true
    })
  }

  /** To be called `TICKS_PER_BEAT` times per beat. */
  tick(): void {
    const writer = this.#writer
    if (writer.isEnded) return
    this.#silentTicks = writer.hasSentSinceLastCall() ? 0 : this.#silentTicks + 1
    if (this.#silentTicks >= TICKS_PER_BEAT - 1) writer.send({ type: 'beat' })
    this.#ticks += 1
    if (this.#ticks % TICKS_PER_BEAT === 0) this.#probe()
  }

  #probe(): void {
    const ws = this.#ws
    // Who is not read at present cannot be heard to answer.
    if (!this.#isAnswered && !ws.isPaused) return ws.terminate()
    this.#isAnswered = false
    ws.ping()
  }
}
