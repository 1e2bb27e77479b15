import { signalFrame } from '../../output/frame.js'
import type { Entry, LogPage } from '../log.js'

/** The names of all keys and channels of a site. */
export interface RedisNames {
  /** The start of all names. */
  readonly start: string
  /** The key that records when the data began. */
  readonly born: string
  /** The key that probes write. */
  readonly probe: string
  /** Returns the keys of a room. The name in braces puts them in one slot. */
  roomKeys(room: string): { readonly log: string; readonly meta: string; idOf(id: string): string }
  /** Returns the key of an id's claim, which is the same for all rooms. */
  claimKey(id: string): string
  channelOf(room: string): string
  /** Returns the room of a channel. */
  roomOf(channel: string): string
}

/**
 * @param prefix Distinguishes sites. It contains no brace, so that the braces of a name stay its first.
 * @param db The number of the database: channels are global, while keys belong to a database.
 */
export function createRedisNames(prefix: string, db: number): RedisNames {
  const start = `${prefix}signalpost:`
  const channelStart = `${start}${db}:`
  return {
    start,
    born: `${start}born`,
    probe: `${start}probe`,
    roomKeys(room) {
      const name = `${start}{${room}}:`
      return { log: `${name}log`, meta: `${name}room`, idOf: (id) => `${name}id:${id}` }
    },
    claimKey: (id) => `${start}{${id}}:claim`,
    channelOf: (room) => `${channelStart}{${room}}`,
    roomOf: (channel) => channel.slice(channelStart.length + 1, -1),
  }
}

/** Parses the reply of the script READ. */
export function readPage(reply: unknown): LogPage {
  // The script READ returns this shape.
  const [epoch, base, floor, head, id, floorId, entries] = reply as PageReply
  return {
    epoch,
    base: Number(base),
    floor: Number(floor),
    head: Number(head),
    ...(id !== '' && { id }),
    ...(floorId !== '' && { floorId }),
    entries: entries.map(([offset, [, id, , at, , prefix]]) => entryOf(Number.parseInt(offset, 10), id, at, prefix)),
  }
}

/**
 * Parses the notification of an entry: `<epoch> <offset> <at> <id> <prefix>`. Other programs may publish on the
 * channel.
 */
export function readNotification(text: string): { epoch: string; entry: Entry } | undefined {
  const [, epoch, offset, at, id, prefix] = /^(\S+) (\d+) (\d+) (\S+) (\{.*)$/s.exec(text) ?? []
  return epoch === undefined ? undefined : { epoch, entry: entryOf(Number(offset), id, at, prefix) }
}

type PageReply = [
  epoch: string,
  base: string,
  floor: string,
  head: string,
  id: string,
  floorId: string,
  entries: [offset: string, fields: string[]][],
]

function entryOf(offset: number, id = '', at = '', prefix = ''): Entry {
  return { offset, id, frame: signalFrame(prefix, offset, Number(at)) }
}
