import type { GapFrame, Position, Since } from '../../../src/protocol/frames.js'
import type { Writer } from '../output/writer.js'
import { EntryBuffer } from '../signal-log/entry-buffer.js'
import type { Entry, LogPage, Reader, SignalLog } from '../signal-log/log.js'
import type { ReplayQueue } from './replays.js'
import { resume, type Start } from './resume.js'

/** Entries per read. Pages of a remote log are also limited in size. */
const PAGE = 256

/** The position belongs to the member: members of one room may be in different epochs. */
interface Member {
  readonly writer: Writer
  epoch: string
  offset: number
  id: string | undefined
  /** False while the member reads the log; new entries are buffered meanwhile. */
  isLive: boolean
  readonly buffered: EntryBuffer
}

/** The start of a replay, and the log that was read from there. */
interface FoundStart {
  readonly page: LogPage
  readonly start: Start
}

export interface Room {
  readonly size: number
  /** Adds a member. Resolves after `joined` is sent; the replay follows in the background. */
  join(writer: Writer, since?: Since): Promise<void>
  leave(writer: Writer): void
}

export interface RoomOptions {
  readonly name: string
  readonly log: SignalLog
  readonly replayQueue: ReplayQueue
  /** Called when the last member has left and the room has unsubscribed from the log. */
  readonly onEmpty: () => void
  /** Called when signals cannot be delivered to a member. */
  readonly onFailure: (writer: Writer, error: unknown) => void
}

/** Combines replay and live delivery without a gap: a member first reads the log, then receives new entries. */
export function createRoom({ name, log, replayQueue, onEmpty, onFailure }: RoomOptions): Room {
  const members = new Map<Writer, Member>()
  const unsubscribe = log.subscribe(name, deliver)

  function deliver(epoch: string, entry?: Entry): void {
    for (const member of members.values()) {
      if (!entry) restartReplay(member)
      else if (!member.isLive) member.buffered.add(epoch, entry)
      else if (!push(member, epoch, entry)) void catchUp(member)
    }
  }

  function restartReplay(member: Member): void {
    if (member.isLive) void catchUp(member)
    else member.buffered.invalidate()
  }

  /** Sends the member's next entry, and returns false when entries before it are missing. */
  function push(member: Member, epoch: string, entry: Entry): boolean {
    if (epoch !== member.epoch) return false
    if (entry.offset <= member.offset) return true
    if (entry.offset > member.offset + 1) return false
    member.offset = entry.offset
    member.id = entry.id
    member.writer.sendShared(entry.frame)
    return true
  }

  function isCurrent(member: Member): boolean {
    return members.get(member.writer) === member && !member.writer.isEnded
  }

  /** Reads the log from the member's position until it reaches the live entries. */
  async function catchUp(member: Member, firstPage?: LogPage): Promise<void> {
    member.isLive = false
    try {
      for (let page = firstPage; ; page = undefined) {
        const isCaughtUp = await replayQueue.run(member.writer, () => replayPage(member, page))
        if (!isCurrent(member)) return
        if (isCaughtUp && goLive(member)) return
      }
    } catch (error) {
      if (isCurrent(member)) onFailure(member.writer, error)
    }
  }

  async function replayPage(member: Member, firstPage?: LogPage): Promise<boolean> {
    if (!isCurrent(member)) return false
    const page = firstPage ?? (await log.read(name, member.offset, PAGE, member.writer.reader))
    return isCurrent(member) && replay(member, page)
  }

  async function replay(member: Member, page: LogPage): Promise<boolean> {
    const { epoch, offset, id } = member
    const start = resume(page, { epoch, offset, ...(id !== undefined && { id }) })
    if (start.gap) {
      setPosition(member, page.epoch, start)
      sendGap(member, start.gap)
    }
    for (const entry of page.entries) {
      if (!push(member, page.epoch, entry)) break
      if (!member.writer.isFull) continue
      await member.writer.whenDrained()
      if (!isCurrent(member)) return false
    }
    if (member.offset >= page.head) return true
    // Many long replays must not block the event loop.
    await nextTurn()
    return false
  }

  /** Switches to live delivery if the buffered entries continue the member's position. */
  function goLive(member: Member): boolean {
    const buffered = member.buffered.take()
    member.isLive = buffered?.every(({ epoch, entry }) => push(member, epoch, entry)) ?? false
    return member.isLive
  }

  function sendGap(member: Member, gap: NonNullable<Start['gap']>): void {
    member.writer.send({ type: 'gap', room: name, ...gap, ...positionOf(member) })
  }

  async function findStart({ reader }: Writer, since?: Since): Promise<FoundStart> {
    if (!since) return startAfter('end', reader)
    if (!('epoch' in since)) {
      const { after, lost } = await log.find(name, since.age, reader)
      return startAfter(after, reader, lost)
    }
    const page = await log.read(name, since.offset, PAGE, reader)
    const found = { page, start: resume(page, since) }
    // After a gap everything that is kept follows.
    if (since.age === undefined || found.start.gap) return found
    const { after, lost } = await log.find(name, since.age, reader)
    return after < since.offset ? startAfter(after, reader, lost) : found
  }

  async function startAfter(
    after: number | 'end',
    reader: Reader | undefined,
    lost?: GapFrame['reason'],
  ): Promise<FoundStart> {
    const page = await log.read(name, after, PAGE, reader)
    const offset = after === 'end' ? page.head : after
    const { gap, ...start } = resume(page, { epoch: page.epoch, offset })
    const reason = gap?.reason ?? lost
    return { page, start: reason ? { ...start, gap: { reason, from: Math.max(start.offset - 1, 0) } } : start }
  }

  return {
    get size() {
      return members.size
    },

    async join(writer, since) {
      const member: Member = {
        writer,
        epoch: '',
        offset: 0,
        id: undefined,
        isLive: false,
        buffered: new EntryBuffer(),
      }
      // Add the member before the read: entries that are logged in between are buffered instead of lost.
      members.set(writer, member)
      const { page, start } = await findStart(writer, since)
      if (!isCurrent(member)) return
      setPosition(member, page.epoch, start)
      writer.send({ type: 'joined', room: name, ...positionOf(member), head: page.head, recovered: !start.gap })
      if (start.gap) sendGap(member, start.gap)
      // Most members have nothing to replay, and need no turn in the replay queue.
      if (start.offset === page.head) {
        if (!goLive(member)) void catchUp(member)
        return
      }
      // A page for a slow connection is not kept in memory, but read again later.
      void catchUp(member, writer.isFull ? undefined : page)
    },

    leave(writer) {
      if (!members.delete(writer) || members.size > 0) return
      unsubscribe()
      onEmpty()
    },
  }
}

function setPosition(member: Member, epoch: string, { offset, id }: Start): void {
  member.epoch = epoch
  member.offset = offset
  member.id = id
}

function positionOf({ epoch, offset, id }: Member): Omit<Position, 'id'> & { readonly id?: string } {
  return { epoch, offset, ...(id !== undefined && { id }) }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
