import type { ClientFrame, RelayFrame } from '../../../src/protocol/frames.js'
import { createMemoryConnection, type MemoryConnection } from '../memory-connection.js'
import { hasTwoLiveSockets, type Join, type Page } from './records.js'
import { fail, type ModelState } from './state.js'
import { recordJoined } from './subscriptions.js'

/** A connection of a page, with what the model has to know about it. */
interface OpenConnection {
  readonly page: Page
  readonly connection: MemoryConnection
  /** The run of the relay at the other end. */
  readonly run: number
  /** By room: the joins that wait for an answer. */
  readonly joins: Map<string, Join[]>
}

/** Opens the connection that the running page asks for. */
export function connectPage(state: ModelState, url: string): MemoryConnection['page'] {
  const { browser, everyPage } = state
  const page = everyPage.find(({ context }) => context === browser.current)
  if (!page) throw new Error(`No page connects to ${url}`)
  return browser.outside(() => openConnection(state, page, url))
}

function openConnection(state: ModelState, page: Page, url: string): MemoryConnection['page'] {
  const { browser, relay } = state
  const { current, run } = relay
  const joins = new Map<string, Join[]>()
  const connection = createMemoryConnection({
    url,
    inPage: page.context.run,
    outside: browser.outside,
    onSent: (text) => recordJoins(page, joins, text),
    onArrived: (text, handle) => deliverFrame(state, { page, connection, run, joins }, text, handle),
    onThrow: (error) => fail(state, `Thrown out of a socket event: ${String(error)}`),
  })
  if (page.isClosed) fail(state, `Page ${page.number} connects after close()`)
  if (page.isFrozen) fail(state, `Page ${page.number} connects while it is frozen`)
  page.connections.push(connection)
  state.tally.connections += 1
  if (hasTwoLiveSockets(page)) fail(state, `Page ${page.number} has two live sockets`)
  setTimeout(() => {
    if (!connection.isLive) return
    if (current && current === relay.current) current.take(connection)
    else connection.cut()
  }, 1)
  return connection.page
}

function recordJoins(page: Page, joins: Map<string, Join[]>, text: string): void {
  const frame = JSON.parse(text) as ClientFrame
  const rooms = frame.type === 'hello' ? frame.rooms : frame.type === 'join' ? [frame] : []
  for (const { room } of rooms) {
    const join = { subscription: page.subscriptions.get(room), at: performance.now() }
    joins.set(room, [...(joins.get(room) ?? []), join])
  }
}

function deliverFrame(state: ModelState, open: OpenConnection, text: string, handle: () => void): void {
  const { page, connection, run, joins } = open
  const frame = JSON.parse(text) as RelayFrame
  if (frame.type === 'accepted') return tamper(page, connection, handle)
  page.handling = { frame, run }
  if (frame.type === 'joined') {
    const join = joins.get(frame.room)?.shift()
    const current = page.subscriptions.get(frame.room)
    // A subscription that began before the welcome, after another one, has no join of its own: the hello asked for the room.
    const hasOwnJoin = joins.get(frame.room)?.some(({ subscription }) => subscription === current)
    if (connection.isLive && join) {
      recordJoined(state, page, hasOwnJoin ? join : { ...join, subscription: current }, frame, run)
    }
  }
  handle()
  page.handling = undefined
}

/** Loses, doubles or delays an answer. */
function tamper(page: Page, connection: MemoryConnection, handle: () => void): void {
  const { tampering } = page
  page.tampering = undefined
  const how = page.lastingTampering.get(connection) ?? tampering
  // A connection does not reorder: all later answers have the same fate.
  if (how === 'mute' || how === 'delay') page.lastingTampering.set(connection, how)
  // A relay that loses one answer alone promises no order for the signals that are sent again.
  if (how === 'drop') page.isOrdered = false
  if (how === 'mute' || how === 'drop') return
  if (how === 'delay') return void setTimeout(() => connection.isLive && handle(), 2000)
  handle()
  if (how === 'double') handle()
}
