import type { WebSocket } from 'ws'
import type { Lane } from '../output/writer.js'

/** How finely a beat is divided: the relay is never silent for longer than a beat. */
export const TICKS_PER_BEAT = 10

/** Keeps one connection from being silent, and notices when the other side is gone. */
export class Heart {
  readonly #ws: WebSocket
  readonly #lane: Lane
  #quiet = 0
  #ticks = 0
  #isAnswered = true

  constructor(ws: WebSocket, lane: Lane) {
    this.#ws = ws
    this.#lane = lane
    ws.on('pong', () => {
      this.#isAnswered = true
    })
  }

  /** To be called `TICKS_PER_BEAT` times per beat. */
  tick(): void {
    const lane = this.#lane
    if (lane.isOver) return
    this.#quiet = lane.hasSpoken() ? 0 : this.#quiet + 1
    if (this.#quiet >= TICKS_PER_BEAT - 1) lane.say({ type: 'beat' })
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
