import { randomBytes } from 'node:crypto'
import { parse } from '../../src/protocol/codec.js'
import type { JsonValue } from '../../src/protocol/frames.js'
import type { Lane } from './fan-out.js'
import { textOf } from './frame.js'
import type { PatientLog } from './log/patient.js'
import { createRooms } from './rooms.js'

export interface ControlOptions {
  /** The name of the room. It begins with a $, so no client can join or send to it. */
  readonly room: `$${string}`
  readonly log: PatientLog
  /** Hears what any instance says, in order; what was said in the last `age` milliseconds first. */
  readonly onMessage: (data: unknown) => void
  readonly age: number
}

/** What the instances of a relay say to each other: a room in the log that they share, with themselves as members. */
export interface Control {
  /** Resolves when what comes is heard. */
  start(): Promise<void>
  /** Resolves when every instance will hear it. */
  say(data: JsonValue): Promise<void>
  stop(): void
}

export function createControl({ room, log, onMessage, age }: ControlOptions): Control {
  let isOver = false
  let retry: NodeJS.Timeout | undefined
  const rooms = createRooms({ log, onFailure: joinLater })
  const lane: Lane = {
    get isOver() {
      return isOver
    },
    isFull: false,
    write(frame) {
      onMessage(parse(textOf(frame))?.data)
    },
    say() {},
    accept() {},
    whenRoomy: () => Promise.resolve(),
    hasSpoken: () => false,
    end() {},
  }

  /** Hears again what it may have missed: whoever listens must bear repetitions. */
  function joinLater(): void {
    rooms.leave(room, lane)
    clearTimeout(retry)
    retry = setTimeout(() => void join(), RETRY)
    retry.unref()
  }

  async function join(): Promise<void> {
    try {
      await rooms.join(room, lane, { age })
    } catch {
      if (!isOver) joinLater()
    }
  }

  return {
    start: join,
    async say(data) {
      const id = randomBytes(16).toString('base64url')
      const opening = JSON.stringify({ type: 'signal', id, signal: 'Control', data, room, sender: {} }).slice(0, -1)
      await log.append({ room, id, opening })
    },
    stop() {
      isOver = true
      clearTimeout(retry)
      rooms.leave(room, lane)
    },
  }
}

const RETRY = 1000
