import { randomBytes } from 'node:crypto'
import { parse } from '../../../src/protocol/codec.js'
import type { JsonValue } from '../../../src/protocol/frames.js'
import type { Writer } from '../output/writer.js'
import { textOf } from '../output/frame.js'
import { signalPrefix } from '../signal-log/new-entry.js'
import type { RetryingLog } from '../signal-log/retry.js'
import { createRooms } from './rooms.js'

const RETRY_DELAY = 1000

export interface InstanceChannelOptions {
  /** The name of the room. It begins with a $, so clients cannot join it or send to it. */
  readonly room: `$${string}`
  readonly log: RetryingLog
  /** Receives the messages of all instances in order, first those of the last `age` (ms). */
  readonly onMessage: (data: unknown) => void
  readonly age: number
}

/** A channel between the instances of a relay: a room in their shared log. */
export interface InstanceChannel {
  /** Resolves when all earlier messages are received, or when the log is unavailable; they follow later then. */
  start(): Promise<void>
  /** Resolves when the message is in the log, from which every instance receives it. */
  publish(data: JsonValue): Promise<void>
  stop(): void
}

export function createInstanceChannel({ room, log, onMessage, age }: InstanceChannelOptions): InstanceChannel {
  let isStopped = false
  let retry: NodeJS.Timeout | undefined
  let head = Number.POSITIVE_INFINITY
  let onCaughtUp = (): void => {}
  const rooms = createRooms({ log, onFailure: joinLater })
  const writer: Writer = {
    get isEnded() {
      return isStopped
    },
    isFull: false,
    sendShared(text) {
      const frame = parse(textOf(text))
      onMessage(frame?.data)
      checkCaughtUp(Number(frame?.offset))
    },
    send(frame) {
      if (frame.type === 'joined') head = frame.head
      if (frame.type === 'joined' || frame.type === 'gap') checkCaughtUp(frame.offset)
    },
    accept() {},
    whenDrained: () => Promise.resolve(),
    hasSentSinceLastCall: () => false,
    end() {},
  }

  function checkCaughtUp(offset: number): void {
    if (offset >= head) onCaughtUp()
  }

  /** Joins again after a failure. Messages may arrive twice. */
  function joinLater(): void {
    onCaughtUp()
    rooms.leave(room, writer)
    clearTimeout(retry)
    retry = setTimeout(() => void join(), RETRY_DELAY)
    retry.unref()
  }

  async function join(): Promise<void> {
    try {
      await rooms.join(room, writer, { age })
    } catch {
      if (!isStopped) joinLater()
    }
  }

  return {
    async start() {
      const caughtUp = new Promise<void>((resolve) => (onCaughtUp = resolve))
      await join()
      await caughtUp
    },
    async publish(data) {
      const id = randomBytes(16).toString('base64url')
      const prefix = signalPrefix({ id, signal: 'Control', data, room, sender: {} })
      await log.append([{ room, id, prefix }])
    },
    stop() {
      isStopped = true
      onCaughtUp()
      clearTimeout(retry)
      rooms.leave(room, writer)
    },
  }
}
