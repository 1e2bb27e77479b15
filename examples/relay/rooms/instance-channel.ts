import { randomBytes } from 'node:crypto'
import { parse } from '../../../src/protocol/codec.js'
import type { JsonValue } from '../../../src/protocol/frames.js'
import type { Lane } from '../output/writer.js'
import { textOf } from '../output/frame.js'
import type { RetryingLog } from '../log/retry.js'
import { createRooms } from './rooms.js'

export interface ControlOptions {
  /** The name of the room. It begins with a $, so no client can join or send to it. */
  readonly room: `$${string}`
  readonly log: RetryingLog
  /** Hears what any instance says, in order; what was said in the last `age` milliseconds first. */
  readonly onMessage: (data: unknown) => void
  readonly age: number
}

/** What the instances of a relay say to each other: a room in the log that they share, with themselves as members. */
export interface Control {
  /** Resolves when all is heard that was said until now, or when that is not to be had: then it comes later. */
  start(): Promise<void>
  /** Resolves when every instance will hear it. */
  say(data: JsonValue): Promise<void>
  stop(): void
}

export function createControl({ room, log, onMessage, age }: ControlOptions): Control {
  let isOver = false
  let retry: NodeJS.Timeout | undefined
  let head = Number.POSITIVE_INFINITY
  let onLevel = (): void => {}
  const rooms = createRooms({ log, onFailure: joinLater })
  const lane: Lane = {
    get isOver() {
      return isOver
    },
    isFull: false,
    write(text) {
      const frame = parse(textOf(text))
      onMessage(frame?.data)
      reach(Number(frame?.offset))
    },
    say(frame) {
      if (frame.type === 'joined') head = frame.head
      if (frame.type === 'joined' || frame.type === 'gap') reach(frame.offset)
    },
    accept() {},
    whenRoomy: () => Promise.resolve(),
    hasSpoken: () => false,
    end() {},
  }

  function reach(offset: number): void {
    if (offset >= head) onLevel()
  }

  /** Hears again what it may have missed: whoever listens must bear repetitions. */
  function joinLater(): void {
    onLevel()
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
    async start() {
      const level = new Promise<void>((resolve) => (onLevel = resolve))
      await join()
      await level
    },
    async say(data) {
      const id = randomBytes(16).toString('base64url')
      const opening = JSON.stringify({ type: 'signal', id, signal: 'Control', data, room, sender: {} }).slice(0, -1)
      await log.append({ room, id, prefix: opening })
    },
    stop() {
      isOver = true
      onLevel()
      clearTimeout(retry)
      rooms.leave(room, lane)
    },
  }
}

const RETRY = 1000
