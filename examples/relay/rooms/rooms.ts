import type { Since } from '../../../src/protocol/frames.js'
import type { Writer } from '../output/writer.js'
import { createReplayQueue } from './replays.js'
import { createRoom, type Room, type RoomOptions } from './room.js'

/** A room, and the number of its members. */
export interface RoomMembers {
  readonly name: string
  readonly members: number
}

/** The rooms that have members. */
export interface Rooms {
  readonly size: number
  /** Returns the rooms with the most members, and their numbers. */
  largest(count: number): readonly RoomMembers[]
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
      return largestFirst(all).slice(0, count)
    },
    membersOf: (name) => rooms.get(name)?.size ?? 0,
    join: (name, writer, since) => getRoom(name).join(writer, since),
    leave: (name, writer) => rooms.get(name)?.leave(writer),
  }
}

/** Adds the members of each room over several lists, and returns the largest rooms first. */
export function sumMembers(lists: readonly (readonly RoomMembers[])[]): readonly RoomMembers[] {
  const sums = new Map<string, number>()
  for (const { name, members } of lists.flat()) sums.set(name, (sums.get(name) ?? 0) + members)
  return largestFirst([...sums].map(([name, members]) => ({ name, members })))
}

function largestFirst(rooms: readonly RoomMembers[]): readonly RoomMembers[] {
  return rooms.toSorted((a, b) => b.members - a.members)
}
