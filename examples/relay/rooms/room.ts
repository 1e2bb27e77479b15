import type { Position, Since } from '../../../src/protocol/frames.js'
import type { Lane } from '../output/writer.js'
import type { Entry, SignalLog, LogPage } from '../log/log.js'
import type { Replays } from './replays.js'
import { resume, type Start } from './resume.js'

/** The position belongs to the member: members of one room may stand in different epochs. */
interface Member {
  readonly lane: Lane
  epoch: string
  offset: number
  id: string | undefined
  /** While false, the member is reading the log; what comes meanwhile waits. */
  isLive: boolean
  waiting: { readonly epoch: string; readonly entry: Entry }[]
  /** Whether more came than may wait: then the log must be read once more. */
  hasOverflowed: boolean
}

export interface Room {
  readonly size: number
  /** Lets a connection hear the room. Resolves when `joined` is said; the replay follows by itself. */
  join(lane: Lane, since?: Since): Promise<void>
  leave(lane: Lane): void
}

export interface RoomOptions {
  readonly name: string
  readonly log: SignalLog
  readonly replays: Replays
  /** The last member has left, and the room has let go of the log. */
  readonly onEmpty: () => void
  /** A member cannot be told what it should hear. */
  readonly onFailure: (lane: Lane, error: unknown) => void
}

/** Joins replay and live delivery without a seam: a member pulls from the log until it is level, then it is pushed. */
export function createRoom({ name, log, replays, onEmpty, onFailure }: RoomOptions): Room {
  const members = new Map<Lane, Member>()
  const unfollow = log.subscribe(name, deliver)

  function deliver(epoch: string, entry?: Entry): void {
    for (const member of members.values()) {
      if (!entry) readAnew(member)
      else if (!member.isLive) wait(member, epoch, entry)
      else if (!push(member, epoch, entry)) void catchUp(member)
    }
  }

  function readAnew(member: Member): void {
    if (member.isLive) void catchUp(member)
    else member.hasOverflowed = true
  }

  /** Hands over an entry that is the member's next; says false when something lies between. */
  function push(member: Member, epoch: string, entry: Entry): boolean {
    if (epoch !== member.epoch) return false
    if (entry.offset <= member.offset) return true
    if (entry.offset > member.offset + 1) return false
    member.offset = entry.offset
    member.id = entry.id
    member.lane.write(entry.frame)
    return true
  }

  function wait(member: Member, epoch: string, entry: Entry): void {
    if (member.waiting.length >= MAX_WAITING_ENTRIES) {
      member.hasOverflowed = true
      member.waiting = []
    }
    if (!member.hasOverflowed) member.waiting.push({ epoch, entry })
  }

  function isCurrent(member: Member): boolean {
    return members.get(member.lane) === member && !member.lane.isOver
  }

  /** Reads on from the member's position until nothing lies between it and the live signals. */
  async function catchUp(member: Member, firstTail?: LogPage): Promise<void> {
    member.isLive = false
    try {
      for (let tail = firstTail; ; tail = undefined) {
        const isLevel = await replays.inTurn(member.lane, () => replayPage(member, tail))
        if (!isCurrent(member)) return
        if (isLevel && settle(member)) return
      }
    } catch (error) {
      if (isCurrent(member)) onFailure(member.lane, error)
    }
  }

  async function replayPage(member: Member, firstTail?: LogPage): Promise<boolean> {
    if (!isCurrent(member)) return false
    const tail = firstTail ?? (await log.read(name, member.offset, PAGE, member.lane.reader))
    return isCurrent(member) && replay(member, tail)
  }

  async function replay(member: Member, tail: LogPage): Promise<boolean> {
    const { epoch, offset, id } = member
    const start = resume(tail, { epoch, offset, ...(id !== undefined && { id }) })
    if (start.gap) {
      place(member, tail.epoch, start)
      tellGap(member, start.gap)
    }
    for (const entry of tail.entries) {
      if (!push(member, tail.epoch, entry)) break
      if (!member.lane.isFull) continue
      await member.lane.whenRoomy()
      if (!isCurrent(member)) return false
    }
    if (member.offset >= tail.head) return true
    // A storm of long replays must leave turns of the event loop to everybody else.
    await nextTurn()
    return false
  }

  /** Goes over to live delivery, in one go, if what waited connects with the member's position. */
  function settle(member: Member): boolean {
    const { waiting, hasOverflowed } = member
    member.waiting = []
    member.hasOverflowed = false
    if (hasOverflowed) return false
    member.isLive = waiting.every(({ epoch, entry }) => push(member, epoch, entry))
    return member.isLive
  }

  function tellGap(member: Member, gap: NonNullable<Start['gap']>): void {
    member.lane.say({ type: 'gap', room: name, ...gap, ...positionOf(member) })
  }

  async function findStart({ reader }: Lane, since?: Since): Promise<{ tail: LogPage; start: Start }> {
    if (since && 'epoch' in since) {
      const tail = await log.read(name, since.offset, PAGE, reader)
      return { tail, start: resume(tail, since) }
    }
    const { after, lost } = since ? await log.find(name, since.age, reader) : { after: 'end' as const, lost: undefined }
    const tail = await log.read(name, after, PAGE, reader)
    const offset = after === 'end' ? tail.head : after
    const { gap, ...start } = resume(tail, { epoch: tail.epoch, offset })
    const reason = gap?.reason ?? lost
    return { tail, start: reason ? { ...start, gap: { reason, from: Math.max(start.offset - 1, 0) } } : start }
  }

  return {
    get size() {
      return members.size
    },

    async join(lane, since) {
      const member: Member = {
        lane,
        epoch: '',
        offset: 0,
        id: undefined,
        isLive: false,
        waiting: [],
        hasOverflowed: false,
      }
      // In the list before the log is read: what is logged in between waits instead of getting lost.
      members.set(lane, member)
      const { tail, start } = await findStart(lane, since)
      if (!isCurrent(member)) return
      place(member, tail.epoch, start)
      lane.say({ type: 'joined', room: name, ...positionOf(member), head: tail.head, recovered: !start.gap })
      if (start.gap) tellGap(member, start.gap)
      // A page that would have to wait for a slow connection is not kept meanwhile, but read again.
      void catchUp(member, lane.isFull ? undefined : tail)
    },

    leave(lane) {
      if (!members.delete(lane) || members.size > 0) return
      unfollow()
      onEmpty()
    },
  }
}

const PAGE = 256
const MAX_WAITING_ENTRIES = 256

function place(member: Member, epoch: string, { offset, id }: Start): void {
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
