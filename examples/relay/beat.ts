import type { WebSocket } from 'ws'
import type { Lane } from './fan-out.js'

/** Keeps one connection from being silent, and notices when the other side is gone. */
export interface Heart {
  /** To be called `TICKS_PER_BEAT` times per beat. */
  tick(): void
}

/** How finely a beat is divided: the relay is never silent for longer than a beat. */
export const TICKS_PER_BEAT = 10

export function createHeart(ws: WebSocket, lane: Lane): Heart {
  let quiet = 0
  let ticks = 0
  let isAnswered = true
  ws.on('pong', () => {
    isAnswered = true
  })

  function probe(): void {
    // Who is not read at present cannot be heard to answer.
    if (!isAnswered && !ws.isPaused) return ws.terminate()
    isAnswered = false
    ws.ping()
  }

  return {
    tick() {
      if (lane.isOver) return
      quiet = lane.hasSpoken() ? 0 : quiet + 1
      if (quiet >= TICKS_PER_BEAT - 1) lane.say({ type: 'beat' })
      ticks += 1
      if (ticks % TICKS_PER_BEAT === 0) probe()
    },
  }
}
