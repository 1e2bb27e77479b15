import type { Since } from '../../../src/protocol/frames.js'
import type { Lane } from '../output/writer.js'
import { createReplays } from './replays.js'
import { createRoom, type Room, type RoomOptions } from './room.js'

/** The rooms that somebody is in. */
export interface Rooms {
  readonly size: number
  /** The rooms with the most members, and how many they are. */
  largest(count: number): readonly { readonly name: string; readonly members: number }[]
  join(name: string, lane: Lane, since?: Since): Promise<void>
  leave(name: string, lane: Lane): void
}

export function createRooms({ log, onFailure }: Pick<RoomOptions, 'log' | 'onFailure'>): Rooms {
  const rooms = new Map<string, Room>()
  const replays = createReplays()

  function roomNamed(name: string): Room {
    const found = rooms.get(name)
    if (found) return found
    const room = createRoom({ name, log, replays, onFailure, onEmpty: () => rooms.delete(name) })
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
    join: (name, lane, since) => roomNamed(name).join(lane, since),
    leave: (name, lane) => rooms.get(name)?.leave(lane),
  }
}
