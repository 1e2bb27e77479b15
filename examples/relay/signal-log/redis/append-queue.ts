import { EpochChanged, type AppendResult, type NewEntry } from '../log.js'
import { isReplyError } from './client.js'

/** Entries with which a call is full. Redis blocks all other commands while it appends them. */
const MAX_ENTRIES = 256
/** Size at which a call is full (characters). */
const MAX_SIZE = 262_144

/** Entries of one sender. */
export interface EntryGroup {
  readonly entries: readonly NewEntry[]
  /** The epoch of the sender's last signal to the room, or an empty text before the first. */
  readonly epoch: string
}

/** The epoch of a room's log, and the result of each entry: `undefined` if the sender's epoch is another one. */
export interface AppendReply {
  readonly epoch: string
  readonly results: readonly (AppendResult | undefined)[]
}

interface QueuedGroup extends EntryGroup {
  readonly resolve: (results: readonly AppendResult[]) => void
  readonly reject: (error: unknown) => void
}

/** Collects the entries that are appended in one turn of the event loop. */
export interface AppendQueue {
  /** Appends entries of one sender to one room, as the log does. */
  append(entries: readonly NewEntry[]): Promise<readonly AppendResult[]>
}

/** @param call Appends all entries of the groups to the room, in one call. */
export function createAppendQueue(
  call: (room: string, groups: readonly EntryGroup[]) => Promise<AppendReply>,
): AppendQueue {
  let queued = new Map<string, QueuedGroup[]>()

  function flush(): void {
    const rooms = queued
    queued = new Map()
    for (const [room, groups] of rooms) for (const part of split(groups)) void send(room, part)
  }

  async function send(room: string, groups: readonly QueuedGroup[]): Promise<void> {
    try {
      settle(room, groups, await call(room, groups))
    } catch (error) {
      if (groups.length > 1 && isReplyError(error)) {
        // Redis may refuse the call because of its size only: one sender must not stop the others.
        for (const group of groups) void send(room, [group])
        return
      }
      for (const { reject } of groups) reject(error)
    }
  }

  return {
    append(entries) {
      const [{ room, epochs }] = entries as readonly [NewEntry]
      return new Promise((resolve, reject) => {
        const groups = queued.get(room) ?? []
        groups.push({ entries, epoch: epochs?.of(room) ?? '', resolve, reject })
        queued.set(room, groups)
        if (queued.size === 1 && groups.length === 1) setImmediate(flush)
      })
    },
  }
}

/** Splits groups into calls. A call contains at least one group, however large that is. */
function split(groups: readonly QueuedGroup[]): QueuedGroup[][] {
  const calls: QueuedGroup[][] = []
  let count = Number.POSITIVE_INFINITY
  let size = 0
  for (const group of groups) {
    const groupSize = group.entries.reduce((sum, { prefix }) => sum + prefix.length, 0)
    count += group.entries.length
    size += groupSize
    if (count <= MAX_ENTRIES && size <= MAX_SIZE) {
      calls.at(-1)?.push(group)
      continue
    }
    calls.push([group])
    count = group.entries.length
    size = groupSize
  }
  return calls
}

function settle(room: string, groups: readonly QueuedGroup[], { epoch, results }: AppendReply): void {
  let from = 0
  for (const { entries, epoch: before, resolve, reject } of groups) {
    const own = results.slice(from, (from += entries.length))
    if (!own.every((result) => result !== undefined)) {
      reject(new EpochChanged('The log began a new epoch.'))
      continue
    }
    // An id that is known in another epoch does not move the sender to it.
    entries[0]?.epochs?.record(room, before === '' ? epoch : before)
    resolve(own)
  }
}
