import { signalFrame } from '../../output/frame.js'
import type { Entry, LogPage } from '../log.js'

/** The prefix of all keys and channels. */
export const PREFIX = 'signalpost:'

/** Returns the keys of a room. The name in braces puts them in one slot. */
export function roomKeys(room: string) {
  const name = `${PREFIX}{${room}}:`
  return { log: `${name}log`, meta: `${name}room`, idOf: (id: string) => `${name}id:${id}` }
}

/** Returns the key of an id's claim, which is the same for all rooms. */
export function claimKey(id: string): string {
  return `${PREFIX}{${id}}:claim`
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
