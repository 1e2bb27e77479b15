import type { Writer } from '../output/writer.js'
import type { FrameSocket } from '../output/frame-socket.js'

/** Ticks per heartbeat interval. They keep the relay's silence shorter than one interval. */
export const TICKS_PER_BEAT = 10

/** Sends a beat when a connection is silent, and terminates it when the client does not answer pings. */
export class Heartbeat {
  readonly #ws: FrameSocket
  readonly #writer: Writer
  #silentTicks = 0
  #ticks = 0
  #isAnswered = true

  constructor(ws: FrameSocket, writer: Writer) {
    this.#ws = ws
    this.#writer = writer
    ws.on('pong', () => {
      this.#isAnswered = true
    })
  }

  /** Call this `TICKS_PER_BEAT` times per heartbeat interval. */
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
    // The pong of a paused socket cannot be read.
    if (!this.#isAnswered && !ws.isPaused) return ws.terminate()
    this.#isAnswered = false
    ws.ping()
  }
}
