import { signalFrame } from '../../output/frame.js'
import type { Entry, LogPage } from '../log.js'

/** What all keys and channels begin with. */
export const PREFIX = 'signalpost:'

/** The keys of a room, in one slot: by its name in braces. */
export function roomKeys(room: string) {
  const name = `${PREFIX}{${room}}:`
  return { log: `${name}log`, meta: `${name}room`, idOf: (id: string) => `${name}id:${id}` }
}

/** The key that tells what an id was used for, in whatever room. */
export function claimKey(id: string): string {
  return `${PREFIX}{${id}}:claim`
}

/** Reads what the script READ answers. */
export function readPage(reply: unknown): LogPage {
  // The form that the script answers in.
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

/** Reads the news of an entry: `<epoch> <offset> <at> <id> <opening>`. Others may use the channel too. */
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
