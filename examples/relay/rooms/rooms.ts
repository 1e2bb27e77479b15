import type { Since } from '../../../src/protocol/frames.js'
import type { Writer } from '../output/writer.js'
import { createReplayQueue } from './replays.js'
import { createRoom, type Room, type RoomOptions } from './room.js'

/** The rooms that have members. */
export interface Rooms {
  readonly size: number
  /** Returns the rooms with the most members, and their numbers. */
  largest(count: number): readonly { readonly name: string; readonly members: number }[]
  membersOf(name: string): number
  join(name: string, writer: Writer, since?: Since): Promise<void>
  leave(name: string, writer: Writer): void
}

export function createRooms({ log, onFailure }: Pick<RoomOptions, 'log' | 'onFailure'>): Rooms {
  const rooms = new Map<string, Room>()
  const replayQueue = createReplayQueue()

  function getRoom(name: string): Room {
    const found = rooms.get(name)
    if (found) return found
    const room = createRoom({ name, log, replayQueue, onFailure, onEmpty: () => rooms.delete(name) })
    rooms.set(name, room)
    return room
  }

  return {
    get size() {
      return rooms.size
    },
    largest(count) {
      const all = [...rooms].map(([name, { size }]) => ({ name, members: size }))
      return all.toSorted((a, b) => b.members - a.members).slice(0, count)
    },
    membersOf: (name) => rooms.get(name)?.size ?? 0,
    join: (name, writer, since) => getRoom(name).join(writer, since),
    leave: (name, writer) => rooms.get(name)?.leave(writer),
  }
}
