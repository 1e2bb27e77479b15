import { createHash } from 'node:crypto'
import { decodeSend } from '../../../src/protocol/codec.js'
import type { PublishKey } from '../access/keys.js'
import { isRefusal, prepareSignal, type Principal } from '../access/prepare-signal.js'
import { rightsWithin } from '../access/rights.js'
import type { NewEntry } from '../signal-log/log.js'
import { SenderEpochs } from '../signal-log/sender-epochs.js'
import { problem, type Reply } from './reply.js'

const FIELDS = new Set(['signal', 'data', 'room', 'exclude'])

/** The public name of a page. */
const TAB = /^[\w-]{16}$/

const FORM = 'Send {"signal": "Name", "data": …, "room": …, "exclude": …}.'

const NOT_LOGGED: Fault = {
  code: 'not-logged',
  text: 'Another signal of the list is wrong. Correct that one, and send the list again.',
}

/** The fault of one signal. */
interface Fault {
  readonly code: string
  readonly text: string
}

/** One signal of a list: its id if it is logged, and its fault if not. */
export type ItemResult = { readonly id: string } | Fault

type Content = Readonly<Record<'signal' | 'data' | 'room' | 'exclude', unknown>>

/** Adds the result of each signal of a list to an error reply. */
export function withResults(reply: Reply, results: readonly ItemResult[]): Reply {
  return { ...reply, body: JSON.stringify({ error: reply.error, results }) }
}

/** Prepares all signals of a request before any is logged: one invalid signal rejects the request. */
export function readPublication(body: unknown, publisher: PublishKey, key: string): NewEntry[] | Reply {
  const items: readonly unknown[] = Array.isArray(body) ? body : [body]
  if (items.length === 0) return problem(400, 'bad-data', 'The list is empty. Send at least one signal.')
  const { name: server } = publisher
  const rights = rightsWithin(publisher)
  const principal: Principal = { sender: { server }, rights, isValidId: () => true, epochs: new SenderEpochs() }
  // An idempotency key contains no dot, so no other request can have the ids of this list.
  const read = items.map((item, index) =>
    readItem(item, index === 0 ? `${server}:${key}` : `${server}:${key}.${index}`, principal),
  )
  if (!read.every(isEntry)) return refuse(read, Array.isArray(body))
  // Validate first: data that is nested too deeply cannot be serialized.
  const digest = createHash('sha256')
    .update(JSON.stringify(items.map(contentOf)))
    .digest('base64url')
  return read.map(({ room, id, prefix, epochs }) => ({ room, id, prefix, epochs, digest }))
}

function refuse(read: readonly (NewEntry | Fault)[], isList: boolean): Reply {
  const index = read.findIndex(isFault)
  const first = read.find(isFault) ?? NOT_LOGGED
  const where = read.length > 1 ? `Signal ${index + 1} of ${read.length}: ` : ''
  const reply = problem(first.code === 'denied' ? 403 : 400, first.code, `${where}${first.text}`)
  return isList
    ? withResults(
        reply,
        read.map((result) => (isFault(result) ? result : NOT_LOGGED)),
      )
    : reply
}

function readItem(item: unknown, id: string, principal: Principal): NewEntry | Fault {
  const unknown = unknownField(item)
  if (unknown !== undefined) return { code: 'bad-data', text: `Unknown field "${unknown}". ${FORM}` }
  const { exclude, ...content } = contentOf(item)
  const send = decodeSend({ ...content, id })
  if (!send || !isTextOrNothing(exclude)) return { code: 'bad-data', text: FORM }
  const entry = prepareSignal(send, principal, TAB.test(exclude ?? '') ? (exclude ?? undefined) : undefined)
  return isRefusal(entry) ? { code: entry.code, text: entry.text } : entry
}

function isEntry(value: NewEntry | Fault): value is NewEntry {
  return 'prefix' in value
}

function isFault(value: NewEntry | Fault): value is Fault {
  return !isEntry(value)
}

/** Visitors may send any text as the id of their page, and a backend passes it on. */
function isTextOrNothing(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string'
}

function contentOf(item: unknown): Content {
  const { signal, data, room, exclude } = { ...(item as Record<string, unknown> | null) }
  return { signal, data, room, exclude }
}

/** Returns an unknown field, because a misspelt one would be ignored silently. */
function unknownField(item: unknown): string | undefined {
  const unknown = Object.keys({ ...(item as object | null) }).find((key) => !FIELDS.has(key))
  return unknown?.slice(0, 64)
}
