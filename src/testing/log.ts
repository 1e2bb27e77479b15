import type { GapFrame, JoinedFrame, Sender, SendFrame, SignalFrame, Since } from '../protocol/frames.js'
import { createId } from '../protocol/id.js'
import { DEFAULT_ROOM } from '../protocol/names.js'

export interface Log {
  /** Logs a signal, unless its id is known. Returns whether it was new. */
  append(signal: SendFrame & Pick<SignalFrame, 'exclude'>, sender: Sender): boolean
  /** Returns the frames for a page that joins, in order: `joined`, a gap if there is one, and missed signals. */
  resume(room: string, since: Since | undefined): [JoinedFrame, ...(GapFrame | SignalFrame)[]]
  /** Loses everything but the ids: each room begins anew. Returns the gap frames for the pages in the rooms. */
  forget(): GapFrame[]
}

interface Room {
  readonly epoch: string
  /** Entries, each with the time when it was logged, by `performance.now()`. */
  readonly entries: { readonly frame: SignalFrame; readonly loggedAt: number }[]
}

/** Keeps every signal of a test in memory, and reports each one as it is logged. */
export function createLog(onSignal: (frame: SignalFrame) => void): Log {
  const rooms = new Map<string, Room>()
  const ids = new Set<string>()
  // A page that began to load before the test did has missed nothing.
  let memoryBegan = -Infinity

  function roomNamed(name: string): Room {
    const room = rooms.get(name) ?? { epoch: createId(), entries: [] }
    rooms.set(name, room)
    return room
  }

  /** The offset where delivery continues, and the offset after which signals may be missing. */
  function start({ epoch, entries }: Room, since: Since | undefined): [after: number, gapFrom?: number] {
    const head = entries.length
    if (!since) return [head]
    // Without an age, no entry is young enough.
    const oldest = performance.now() - (since.age ?? -Infinity)
    const first = entries.findIndex(({ loggedAt }) => loggedAt >= oldest)
    const byAge = first < 0 ? head : first
    if (!('epoch' in since)) return memoryBegan > oldest ? [0, 0] : [byAge]
    return since.epoch === epoch && since.offset <= head ? [Math.min(since.offset, byAge)] : [0, since.offset]
  }

  return {
    append({ room: name = DEFAULT_ROOM, ...signal }, sender) {
      if (ids.has(signal.id)) return false
      ids.add(signal.id)
      const { entries } = roomNamed(name)
      const frame = { ...signal, room: name, offset: entries.length + 1, at: Date.now(), sender }
      entries.push({ frame, loggedAt: performance.now() })
      onSignal(frame)
      return true
    },

    resume(name, since) {
      const room = roomNamed(name)
      const { epoch, entries } = room
      const [offset, gapFrom] = start(room, since)
      const id = entries[offset - 1]?.frame.id
      const position = { room: name, epoch, offset, ...(id !== undefined && { id }) }
      const recovered = gapFrom === undefined
      return [
        { type: 'joined', ...position, head: entries.length, recovered },
        ...(recovered ? [] : [{ type: 'gap' as const, reason: 'epoch' as const, from: gapFrom, ...position }]),
        ...entries.slice(offset).map(({ frame }) => frame),
      ]
    },

    forget() {
      memoryBegan = performance.now()
      return [...rooms].map(([room, { entries }]) => {
        const epoch = createId()
        rooms.set(room, { epoch, entries: [] })
        return { type: 'gap', room, reason: 'epoch', from: entries.length, epoch, offset: 0 }
      })
    },
  }
}
