import { signalFrame } from '../../output/frame.js'
import type { AppendResult, Entry, LogPage } from '../log.js'
import type { AppendReply } from './append-queue.js'

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

/** The results of the script APPEND, by the character of its reply. */
const APPEND_RESULTS: Readonly<Record<string, AppendResult>> = { 1: 'logged', 0: 'known' }

/** Parses the reply of the script APPEND. */
export function readAppendReply(reply: unknown): AppendReply {
  // The script APPEND returns this shape.
  const [epoch, results] = reply as [epoch: string, results: string]
  return { epoch, results: Array.from(results, (result) => APPEND_RESULTS[result]) }
}

/** New entries of a room. The list is empty when they are too large for a notification. */
export interface Notification {
  readonly epoch: string
  readonly entries: readonly Entry[]
}

/**
 * Parses a notification: `<epoch> <head> <at> <ids> <prefixes>`, with commas between the ids and line ends between the
 * prefixes. Other programs may publish on the channel. Relays of before 2026-11-27 take several entries for one with a
 * gap before it, and read the log.
 */
export function readNotification(text: string): Notification | undefined {
  const [start = '', epoch, last, at] = /^(\S+) (\d+) (\d+) (?=\S+ \{)/.exec(text) ?? []
  if (epoch === undefined) return undefined
  const end = text.indexOf(' ', start.length)
  const head = Number(last)
  const ids = text.slice(start.length, end).split(',')
  const prefixes = text.slice(end + 1).split('\n')
  if (ids.length !== prefixes.length) return { epoch, entries: [] }
  const before = head - ids.length + 1
  return { epoch, entries: ids.map((id, index) => entryOf(before + index, id, at, prefixes[index])) }
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
