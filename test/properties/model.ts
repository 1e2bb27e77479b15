import { isDeepStrictEqual } from 'node:util'
import { vi } from 'vitest'
import type { Rights } from '../../examples/relay/access/rights.js'
import type { Entry } from '../../examples/relay/signal-log/log.js'
import { createSignalClient, type SendOutcome, type SignalClient, type SignalStatus } from '../../src/index.js'
import type { ClientFrame, GapFrame, JoinedFrame, RelayFrame, SignalFrame } from '../../src/protocol/frames.js'
import { ROOMS, type Action, type Farewell, type Tampering } from './actions.js'
import { isEdge } from './edges.js'
import { createLine, textsOf, type MemoryLine } from './memory-line.js'
import { startMemoryRelay, type MemoryRelay } from './memory-relay.js'
import { removeFakeBrowser, installFakeBrowser, type BrowserContext } from './fake-browser.js'
import { pass, settlePromises } from './virtual-time.js'

/** A place in the log: which life of the relay, and the offset in it. */
interface Place {
  readonly life: number
  readonly offset: number
}

interface LoggedPlace extends Place {
  readonly at: number
}

interface Sent {
  readonly page: Page
  readonly room: string
  readonly name: string
  /** Counts all signals of the world, and so those of a page in the order of its calls. */
  readonly turn: number
  readonly data: unknown
  readonly places: LoggedPlace[]
  /** How long it may wait; without it, longer than a life. */
  readonly ttl: number | undefined
  readonly key: string | undefined
  /** Its page was left before it was settled: it is in the memory of the tab. */
  isLeft: boolean
  /** It went by a farewell too. */
  isPosted: boolean
  /** Nobody has to send it any more. */
  isExcused: boolean
  id?: string
  outcome?: SendOutcome
  timesSettled: number
}

/** What a page was told that it may have missed: after one place, up to another one. */
interface Missed {
  readonly after: Place
  readonly upTo: Place
}

/** One unbroken time of listening to a room. */
interface Listening {
  readonly room: string
  /** It goes on where another page of the tab was. */
  readonly isInherited: boolean
  stop: () => void
  /** From when on its signals are wanted, in virtual milliseconds. */
  readonly wantedFrom: number
  /** When the navigation to its page began. */
  readonly pageBegan: number
  /** Whether the page has a position of its own. */
  hasPosition: boolean
  /** How long the relay's first answer took, as far as the client bears it: ages are counted from somewhere within. */
  hole: number
  /** How late an answer was that was not taken; it may be as late again. */
  allowance: number
  /** The last turn before the relay's first answer; every later one is owed. */
  owedAfter?: number
  /** The life in which its position is. */
  life: number
  reached: Place
  readonly lastTurns: Map<Page, number>
  readonly missed: Missed[]
}

/** A join that waits for its answer. */
interface Join {
  readonly listening: Listening | undefined
  readonly at: number
}

/** What pages of one tab share. */
interface Tab {
  readonly storage: Map<string, string>
  /** The page that went last, and when by both clocks; none while a page is there. */
  left?: { readonly page: Page; readonly at: number; readonly wallAt: number } | undefined
  /** A page that the browser keeps. */
  kept?: Page | undefined
}

interface Page {
  readonly number: number
  readonly tab: Tab
  readonly realm: BrowserContext
  /** When its navigation began, in virtual milliseconds. */
  readonly origin: number
  /** Where the page before it was. */
  readonly inherited: ReadonlyMap<string, Listening>
  /** What pages before it handled, and in which life. */
  readonly handledBefore: ReadonlyMap<Sent, number>
  readonly handledIn: Map<Sent, number>
  /** The rooms for which the relay's answer was taken. */
  readonly answered: Set<string>
  isFrozen: boolean
  readonly client: SignalClient
  readonly since: 'navigation' | 'now'
  readonly listenings: Map<string, Listening>
  readonly visited: Set<string>
  readonly handled: Set<Sent>
  readonly lines: MemoryLine[]
  readonly unexpected: unknown[]
  /** What it sent by requests that nobody has carried yet. */
  readonly posts: string[]
  /** The frame that the page is handling right now, and the life of the relay that it comes from. */
  handling?: { readonly frame: RelayFrame; readonly life: number } | undefined
  status: SignalStatus
  tampering?: Tampering | undefined
  /** What happens to the answers on a line from now on. */
  readonly fates: Map<MemoryLine, Tampering>
  isOrdered: boolean
  isClosed: boolean
}

/** What came of a life, for a test to be sure that it is not about nothing. */
export interface Tally {
  accepted: number
  handled: number
  gaps: number
  /** Signals that were announced as perhaps missed, and missed. */
  covered: number
  lines: number
  /** Pages that came after another one of their tab, and pages that came back. */
  arrivals: number
  returns: number
  /** Signals that were logged because of a farewell, or because the next page sent them. */
  rescued: number
}

export interface Model {
  act(action: Action): Promise<void>
  /** Ends every fault, lets everything arrive and checks that nothing is owed. */
  rest(): Promise<void>
  /** Closes everything and checks that nothing stays behind. */
  end(): Promise<void>
  readonly tally: Tally
}

/** What a line takes there and back, in milliseconds. */
const ROUND_TRIP = 2
/** A history that no life of a test fills. */
const EVERYTHING = 1000
const NOWHERE: Place = { life: 0, offset: 0 }

/** How long a page counts as one that has just loaded, in milliseconds. */
const NAVIGATION_WINDOW = 60_000
/** A later answer to a first join is not taken, and the room joined again, in milliseconds. */
const PROMPT_ANSWER = 250

/** What a page may be told by `onError` in a world where nobody breaks the protocol. */
const EXPECTED_ERRORS = new Set(['expired', 'unreachable', 'no-protocol', 'outbox-full'])

/** A position is remembered for so long, by the wall clock; parcels for longer than any life, if it does not leap. */
const FRESH = 60_000
const STALE = 300_000

export interface ModelOptions {
  /** Signals that the first relay keeps per room. */
  readonly history: number
  /** How long a token is good, in milliseconds. @default nobody needs one */
  readonly lifetime?: number | undefined
  /** Whether what is known to be open (see `seeds.ts`) counts as a failure too. @default false */
  readonly isStrict?: boolean
}

/** Pages with the real client, and a relay of the real parts, on virtual time. It checks while it lives. */
export function createModel({ history, lifetime, isStrict = false }: ModelOptions): Model {
  const tally: Tally = { accepted: 0, handled: 0, gaps: 0, covered: 0, lines: 0, arrivals: 0, returns: 0, rescued: 0 }
  const stage = installFakeBrowser()
  // By turn, which is part of the data.
  const signals = new Map<unknown, Sent>()
  const pages: (Page | undefined)[] = []
  const tabs: (Tab | undefined)[] = []
  const tokens = new Map<string, Rights>()
  let goodFrom = 0
  let troubleUntil = 0
  let troubles = 0
  const everyPage: Page[] = []
  let turns = 0
  let life = 0
  /** When each life of the relay began. */
  const lifeStarts = new Map<number, number>()
  const histories = new Map<number, number>()
  const trimmedLives = new Set<number>()
  let relay: MemoryRelay | undefined
  // A process that drains holds the port: the next one begins when it has gone.
  let isDraining = false
  let historyOfNext: number | undefined
  const failures: unknown[] = []

  vi.stubGlobal('WebSocket', function WebSocket(url: string) {
    return dial(url)
  })
  start(history)

  function fail(what: string): void {
    failures.push(what)
  }

  function start(kept: number): void {
    life += 1
    lifeStarts.set(life, performance.now())
    const mine = life
    histories.set(mine, kept)
    relay = startMemoryRelay({
      history: kept,
      rooms: ROOMS,
      ...(lifetime !== undefined && { authorize: (token: string) => rightsOf(token) }),
      isRevoked: ({ id }) => Number(id) < goodFrom,
      onLogged: (room, entry) => log(room, entry, mine),
      onFailure: (error) => fail(`The relay failed: ${String(error)}`),
    })
  }

  function issueToken(): string {
    const token = String(tokens.size + 1)
    tokens.set(token, { user: 'u', id: token, expires: Date.now() + (lifetime ?? 0) })
    return token
  }

  function rightsOf(token: string): Rights | undefined {
    return Number(token) < goodFrom ? undefined : tokens.get(token)
  }

  function startNext(kept: number): void {
    if (isDraining) historyOfNext ??= kept
    else if (!relay) start(kept)
  }

  async function drain(leaving: MemoryRelay): Promise<void> {
    isDraining = true
    await leaving.stop().catch((error: unknown) => fail(`The relay could not stop: ${String(error)}`))
    isDraining = false
    if (historyOfNext !== undefined) start(historyOfNext)
    historyOfNext = undefined
  }

  function log(room: string, { frame, offset }: Entry, inLife: number): void {
    const [text = ''] = textsOf(frame)
    const { id, data } = JSON.parse(text) as SignalFrame
    const sent = find(data, id)
    if (!sent || sent.room !== room) return fail(`PHANTOM: ${text} was logged in ${room}, where nobody sent it`)
    if (sent.places.some((place) => place.life === inLife)) fail(`DUP: turn ${sent.turn} was logged twice in one life`)
    sent.places.push({ life: inLife, offset, at: performance.now() })
  }

  function find(data: unknown, id: string): Sent | undefined {
    const sent = signals.get((data as { turn?: unknown } | undefined)?.turn)
    if (sent && id !== (sent.id ??= id)) fail(`Turn ${sent.turn} goes by two ids`)
    return sent
  }

  function dial(url: string): MemoryLine['page'] {
    const page = everyPage.find(({ realm }) => realm === stage.current)
    if (!page) throw new Error(`Nobody dials ${url}`)
    return stage.outside(() => openLine(page, url))
  }

  function openLine(page: Page, url: string): MemoryLine['page'] {
    const mine = relay
    const joins = new Map<string, Join[]>()
    const line = createLine({
      url,
      inPage: page.realm.run,
      outside: stage.outside,
      onSent: (text) => noteJoins(page, joins, text),
      onArrived: (text, handle) => bring(page, joins, line, lifeOfLine, text, handle),
      onThrow: (error) => fail(`Thrown out of a socket event: ${String(error)}`),
    })
    const lifeOfLine = life
    if (page.isClosed) fail(`Page ${page.number} dials after close()`)
    if (page.isFrozen) fail(`Page ${page.number} dials while it is put aside`)
    page.lines.push(line)
    tally.lines += 1
    if (page.lines.filter(({ isLive }) => isLive).length > 1) fail(`Page ${page.number} has two live sockets`)
    setTimeout(() => {
      if (!line.isLive) return
      if (mine && mine === relay) mine.take(line)
      else line.cut()
    }, 1)
    return line.page
  }

  function noteJoins(page: Page, joins: Map<string, Join[]>, text: string): void {
    const frame = JSON.parse(text) as ClientFrame
    const rooms = frame.type === 'hello' ? frame.rooms : frame.type === 'join' ? [frame] : []
    for (const { room } of rooms) {
      const join = { listening: page.listenings.get(room), at: performance.now() }
      joins.set(room, [...(joins.get(room) ?? []), join])
    }
  }

  function bring(
    page: Page,
    joins: Map<string, Join[]>,
    line: MemoryLine,
    ofLife: number,
    text: string,
    handle: () => void,
  ): void {
    const frame = JSON.parse(text) as RelayFrame
    if (frame.type === 'accepted') return tamper(page, line, handle)
    page.handling = { frame, life: ofLife }
    if (frame.type === 'joined') {
      const join = joins.get(frame.room)?.shift()
      const current = page.listenings.get(frame.room)
      // A stay that began before the welcome, after another stay, has no join of its own: the hello has asked for the room.
      const hasOwnJoin = joins.get(frame.room)?.some(({ listening }) => listening === current)
      if (line.isLive && join) establish(page, hasOwnJoin ? join : { ...join, listening: current }, frame, ofLife)
    }
    handle()
    page.handling = undefined
  }

  function tamper(page: Page, line: MemoryLine, handle: () => void): void {
    const { tampering } = page
    page.tampering = undefined
    const how = page.fates.get(line) ?? tampering
    // A line does not reorder: what happens to one of its answers happens to those that follow.
    if (how === 'mute' || how === 'delay') page.fates.set(line, how)
    // Except by a relay that loses one answer alone; then the order of what is sent again is nobody's promise.
    if (how === 'drop') page.isOrdered = false
    if (how === 'mute' || how === 'drop') return
    if (how === 'delay') return void setTimeout(() => line.isLive && handle(), 2000)
    handle()
    if (how === 'double') handle()
  }

  function establish(page: Page, { listening, at }: Join, frame: JoinedFrame, ofLife: number): void {
    if (page.listenings.has(frame.room)) page.answered.add(frame.room)
    if (!listening || page.listenings.get(frame.room) !== listening) return
    if (frame.recovered && !listening.hasPosition) {
      const delay = performance.now() - at
      if (delay > Math.max(PROMPT_ANSWER, listening.allowance)) return void (listening.allowance = delay)
      if (!isStrict) listening.hole = Math.min(delay, PROMPT_ANSWER)
    }
    page.visited.add(frame.room)
    // Without recovery there is no position before the gap was told.
    if (!frame.recovered) return
    listening.owedAfter ??= turns
    listening.hasPosition = true
    listening.life = ofLife
  }

  function open(slot: number, since: 'navigation' | 'now'): void {
    if (pages[slot]) return
    // A tab that was opened before any page was left begins with the world.
    if (tabs[slot]) arrive(slot, since)
    else load(slot, (tabs[slot] = { storage: new Map() }), since, 0)
  }

  /** The next page of a tab, that listens where the last one did. */
  function arrive(slot: number, since: 'navigation' | 'now', isSlow = false): void {
    const tab = tabs[slot]
    const { left } = tab ?? {}
    if (pages[slot] || !tab || !left) return
    const page = load(slot, tab, since, isSlow ? left.at : performance.now())
    tab.left = undefined
    tally.arrivals += 1
    for (const room of left.page.listenings.keys()) listen(page, room)
  }

  function load(slot: number, tab: Tab, since: 'navigation' | 'now', origin: number): Page {
    const number = everyPage.length
    const realm = stage.open({
      origin,
      storage: tab.storage,
      onStore: () => everyPage[number]?.isClosed && fail(`Page ${number} stores something after close()`),
      onPost: (body) => page.posts.push(body),
    })
    const client = realm.run(() =>
      createSignalClient({
        url: 'ws://relay.test/signals',
        connect: 'manual',
        since,
        ...(lifetime !== undefined && { token: issueToken }),
        onError: ({ code, message }) =>
          EXPECTED_ERRORS.has(code) ||
          (lifetime && code === 'unauthorized') ||
          page.unexpected.push(`${code} ${message}`),
      }),
    )
    const { left } = tab
    const age = ageOf(tab)
    if (age > STALE) excuse(tab)
    const page: Page = {
      number,
      tab,
      realm,
      origin,
      client,
      since,
      inherited: new Map(since === 'navigation' && left && age < FRESH ? positionsOf(left.page) : []),
      handledBefore: new Map([...(left?.page.handledBefore ?? []), ...(left?.page.handledIn ?? [])]),
      handledIn: new Map(),
      answered: new Set(),
      posts: [],
      isFrozen: false,
      listenings: new Map(),
      visited: new Set(),
      handled: new Set(),
      lines: [],
      fates: new Map(),
      isOrdered: true,
      unexpected: [],
      status: client.status,
      isClosed: false,
    }
    everyPage[number] = page
    pages[slot] = page
    realm.run(() => {
      client.onStatus((status) => followStatus(page, status))
      client.onGap((gap) => followGap(page, gap.room))
      client.connect()
    })
    return page
  }

  function positionsOf({ listenings }: Page): [string, Listening][] {
    return [...listenings].filter(([, { owedAfter }]) => owedAfter !== undefined)
  }

  /** The user goes somewhere else, and the browser keeps the page, or does not. */
  function leave(slot: number, isKept: boolean, farewell: Farewell): void {
    const [page, tab] = [pages[slot], tabs[slot]]
    if (!page || !tab) return
    pages[slot] = undefined
    thaw(page)
    for (const sent of signals.values()) {
      if (sent.page.tab === tab && sent.timesSettled === 0) sent.isLeft = true
    }
    putAside(page, 'pagehide', 'window', farewell, { persisted: isKept })
    tab.left = { page, at: performance.now(), wallAt: Date.now() }
    if (!isKept) return destroy(page)
    if (tab.kept) destroy(tab.kept)
    tab.kept = page
  }

  function putAside(
    page: Page,
    event: 'pagehide' | 'freeze',
    on: 'window' | 'document',
    farewell: Farewell,
    more: object = {},
  ): void {
    const waiting = [...signals.values()].filter((sent) => sent.page === page && sent.timesSettled === 0)
    page.realm.happen(event, on, more)
    if (page.lines.some(({ isLive }) => isLive)) fail(`Page ${page.number} keeps its socket when it is put aside`)
    page.isFrozen = true
    page.realm.hold(true)
    for (const sent of signals.values()) {
      if (sent.page.tab === page.tab && sent.timesSettled === 0) sent.isPosted = true
    }
    for (const body of page.posts.splice(0)) {
      if (farewell === 'lost') continue
      setTimeout(() => relay?.post(body), farewell === 'late' ? 3000 : 1)
    }
    const mine = relay
    const before = troubles
    // Where nothing is wrong, no other page is needed for it.
    const isCertain = farewell === 'arrives' && lifetime === undefined && performance.now() > troubleUntil
    setTimeout(() => {
      if (!isCertain || !mine || mine !== relay || troubles > before) return
      const unsent = waiting.find(({ places }) => places.length === 0)
      if (unsent) fail(`LOST: turn ${unsent.turn} did not go when its page went`)
    }, 3)
  }

  function thaw(page: Page): void {
    page.isFrozen = false
    page.realm.hold(false)
  }

  /** Nothing of it runs any more. */
  function destroy(page: Page): void {
    page.isFrozen = false
    end(page)
  }

  function back(slot: number): void {
    const tab = tabs[slot]
    const page = tab?.kept
    if (!tab || !page) return
    tab.kept = undefined
    leave(slot, false, 'arrives')
    if (ageOf(tab) > STALE) excuse(tab)
    tab.left = undefined
    pages[slot] = page
    tally.returns += 1
    thaw(page)
    page.realm.happen('pageshow', 'window', { persisted: true })
  }

  /** How long ago, by the clock on the wall, the last page of a tab was left, in milliseconds. */
  function ageOf({ left }: Tab): number {
    return left ? Math.max(0, Date.now() - left.wallAt) : 0
  }

  function excuse(tab: Tab): void {
    for (const sent of signals.values()) if (sent.page.tab === tab) sent.isExcused = true
  }

  function followStatus(page: Page, status: SignalStatus): void {
    if (!isEdge(page.status, status)) fail(`Page ${page.number} went from ${page.status.state} to ${status.state}`)
    if (page.isClosed && status.state !== 'closed') fail(`Page ${page.number} is ${status.state} after close()`)
    page.status = status
  }

  function followGap(page: Page, room: string): void {
    tally.gaps += 1
    const { frame, life: ofLife } = page.handling ?? {}
    if (frame?.type !== 'gap' || frame.room !== room || ofLife === undefined)
      return fail('PHANTOM: a gap without a frame')
    const listening = page.listenings.get(room)
    if (listening) miss(listening, frame, ofLife)
  }

  function miss(listening: Listening, { from, offset, reason }: GapFrame, ofLife: number): void {
    const isFirst = listening.owedAfter === undefined
    // A page may ask for more than the relay has lived: its navigation is older, or the last answer was late.
    const isOlder = listening.pageBegan <= (lifeStarts.get(ofLife) ?? 0)
    const isTrue =
      reason === 'epoch'
        ? isFirst || listening.life < ofLife || listening.allowance > 0 || isOlder
        : histories.get(ofLife) !== EVERYTHING || trimmedLives.has(ofLife)
    if (!isTrue) fail(`GAPS: ${reason} is told in ${listening.room}, and is not so`)
    const after = isFirst ? NOWHERE : { life: reason === 'trimmed' ? ofLife : listening.life, offset: from }
    // What a new life keeps is not excused by the loss of the old one.
    const isKept = isStrict && reason === 'epoch' && !isFirst && histories.get(ofLife) === EVERYTHING
    listening.missed.push({ after, upTo: { life: ofLife, offset: isKept ? 0 : offset } })
    listening.life = ofLife
    listening.hasPosition = true
    listening.owedAfter ??= turns
  }

  function receive(page: Page, listening: Listening, name: string, id: string, data: unknown): void {
    tally.handled += 1
    const { frame, life: ofLife = 0 } = page.handling ?? {}
    const sent = find(data, id)
    if (frame?.type !== 'signal' || !sent) return fail(`PHANTOM: page ${page.number} handles ${id} out of nothing`)
    const { turn } = sent
    if (page.isClosed || page.isFrozen) fail(`Page ${page.number} handles turn ${turn} after it went`)
    if (page.listenings.get(listening.room) !== listening) fail(`Page ${page.number} handles turn ${turn} after stop()`)
    if (name !== sent.name || frame.room !== sent.room || !isDeepStrictEqual(data, sent.data)) {
      fail(`PHANTOM: turn ${turn} is not what was sent`)
    }
    if (page.handled.has(sent)) fail(`DUP: page ${page.number} handles turn ${turn} twice`)
    page.handled.add(sent)
    page.handledIn.set(sent, ofLife)
    // A new life has other positions, and the ids that a page has handled go with it.
    if (listening.isInherited && page.handledBefore.get(sent) === ofLife) {
      fail(`DUP: page ${page.number} handles turn ${turn}, which a page of its tab has handled`)
    }
    const here = { life: ofLife, offset: frame.offset }
    if (!isBefore(listening.reached, here)) fail(`ORDER: ${show(here)} comes after ${show(listening.reached)}`)
    listening.reached = here
    const before = listening.lastTurns.get(sent.page) ?? 0
    const isNew = !page.handledBefore.has(sent)
    // Nobody sends again what has had its time; a request that is under way may arrive all the same, however late.
    const isLate = sent.outcome === 'unknown' || (sent.isPosted && sent.ttl !== undefined)
    if (turn <= before && isNew && isOrderOwed(listening, sent) && (isStrict || !isLate)) {
      fail(`FIFO: page ${page.number} handles turn ${turn} after ${before}`)
    }
    listening.lastTurns.set(sent.page, Math.max(turn, before))
  }

  function publish(page: Page, room: string, value: unknown, options: { key?: string; ttl?: number } = {}): void {
    const turn = ++turns
    const name = `N${turn % 3}`
    const data: unknown = JSON.parse(JSON.stringify({ turn, value }), (key, part: unknown) =>
      key === '__proto__' ? undefined : part,
    )
    const { key, ttl } = options
    const sent: Sent = {
      page,
      room,
      name,
      turn,
      data,
      key,
      ttl,
      places: [],
      timesSettled: 0,
      isLeft: false,
      isPosted: false,
      isExcused: false,
    }
    signals.set(turn, sent)
    const sending = page.realm.run(() => page.client.sendSignal(name, { turn, value }, { room, ...options }))
    void sending.then(
      ({ id, outcome }) => settle(sent, id, outcome),
      (error: unknown) => fail(`A promise of sendSignal rejected: ${String(error)}`),
    )
  }

  function settle(sent: Sent, id: string, outcome: SendOutcome): void {
    sent.timesSettled += 1
    sent.outcome = outcome
    find(sent.data, id)
    if (sent.timesSettled > 1) fail(`Turn ${sent.turn} settled twice`)
    if (outcome === 'accepted') {
      tally.accepted += 1
      if (sent.places.length === 0) fail(`Turn ${sent.turn} is accepted, but in no log`)
    } else if (!['unknown', 'expired', 'dropped', 'closed'].includes(outcome)) fail(`Turn ${sent.turn} is ${outcome}`)
  }

  function listen(page: Page, room: string, inherited?: Listening): void {
    if (page.listenings.has(room) && !inherited) return
    // Whoever comes back to a room begins anew.
    const isFirst = !page.visited.has(room)
    if (!isStrict) page.visited.add(room)
    const before = page.answered.has(room) ? undefined : page.inherited.get(room)
    const isSinceNavigation = page.since === 'navigation' && performance.now() - page.origin < NAVIGATION_WINDOW
    const listening: Listening = inherited ?? {
      room,
      isInherited: before !== undefined,
      stop: () => undefined,
      wantedFrom: isFirst && isSinceNavigation ? page.origin : performance.now(),
      pageBegan: page.origin,
      hole: ROUND_TRIP,
      hasPosition: false,
      allowance: 0,
      life: 0,
      reached: NOWHERE,
      ...before,
      ...(before && { isInherited: true, pageBegan: page.origin, hasPosition: false, allowance: 0 }),
      lastTurns: new Map(before?.lastTurns),
      missed: [...(before?.missed ?? [])],
    }
    page.listenings.set(room, listening)
    listening.stop = page.realm.run(() =>
      page.client.receiveSignal('*', (data, { name, id }) => receive(page, listening, name, id, data), { room }),
    )
  }

  /** The application closes its client, and the tab. */
  function close(slot: number): void {
    const [page, tab] = [pages[slot], tabs[slot]]
    pages[slot] = tabs[slot] = undefined
    if (tab) excuse(tab)
    for (const each of [page, tab?.kept]) if (each) end(each)
  }

  function end(page: Page): void {
    page.isClosed = true
    page.posts.length = 0
    page.realm.run(page.client.close)
    const { number, realm } = page
    realm.happen('pagehide', 'window', { persisted: false })
    if (page.posts.length > 0) fail(`Page ${number} says farewell after close()`)
    if (page.client.status.state !== 'closed') fail(`Page ${number} is not closed after close()`)
    if (realm.timers > 0) fail(`LEAK: ${realm.timers} timers of page ${number} stay behind after close()`)
    if (realm.listeners > 0) fail(`LEAK: ${realm.listeners} listeners of page ${number} stay behind after close()`)
    if (page.lines.some(({ isLive }) => isLive)) fail(`LEAK: page ${number} has a socket after close()`)
  }

  async function perform(action: Action): Promise<void> {
    const shown = 'page' in action ? pages[action.page] : undefined
    // Nothing runs in a page that is frozen; what happens to its lines happens.
    const page = shown?.isFrozen ? undefined : shown
    const line = shown?.lines.at(-1)
    switch (action.do) {
      case 'publish':
        return page && publish(page, action.room, action.data, action.key === undefined ? {} : { key: action.key })
      case 'publish-briefly':
        return page && publish(page, action.room, 'brief', { ttl: action.ttl })
      case 'listen':
        return page && listen(page, action.room)
      case 'stop':
      case 'relisten': {
        const listening = page?.listenings.get(action.room)
        if (listening) page?.realm.run(listening.stop)
        if (action.do === 'stop') page?.listenings.delete(action.room)
        else if (page && listening) listen(page, action.room, listening)
        return
      }
      case 'cut':
      case 'heal':
        return line?.[action.do]()
      case 'stall':
        return line?.stall(action.way)
      case 'connect':
        return page?.realm.run(page.client.connect)
      case 'leave':
        return leave(action.page, action.isKept, action.farewell)
      case 'arrive':
        return arrive(action.page, action.since, action.isSlow)
      case 'navigate':
        leave(action.page, action.isKept, action.farewell)
        return arrive(action.page, action.since)
      case 'back':
        return back(action.page)
      case 'freeze':
        return page && putAside(page, 'freeze', 'document', 'arrives')
      case 'resume':
        if (!shown?.isFrozen) return
        thaw(shown)
        return shown.realm.happen('resume', 'document')
      case 'tell':
        return page?.realm.happen(action.event, 'window')
      case 'expire':
        goodFrom = tokens.size + 1
        return relay?.review()
      case 'trim':
        trimmedLives.add(life)
        return relay?.trim(action.room, action.kept)
      case 'close':
        return close(action.page)
      case 'open':
        return open(action.page, action.since)
      case 'tamper':
        if (page) page.tampering = action.with
        return
      case 'kill': {
        const killed = relay
        relay = undefined
        return killed?.kill()
      }
      case 'restart': {
        if (relay) void drain(relay)
        relay = undefined
        return
      }
      case 'start':
        return startNext(action.history)
      case 'trouble':
        troubles += 1
        troubleUntil = performance.now() + action.milliseconds
        return relay?.trouble(action.milliseconds, action.isCarriedOut)
      case 'jump':
        vi.setSystemTime(Date.now() + action.milliseconds)
        return
      case 'pass':
        return pass(action.milliseconds)
    }
  }

  function check(): void {
    for (const page of everyPage) {
      if (page.lines.filter(({ isLive }) => isLive).length > 1) fail(`Page ${page.number} has two live sockets`)
      if (page.unexpected.length > 0) fail(`Page ${page.number} was told: ${page.unexpected.map(String).join('; ')}`)
      if (page.status !== page.client.status) fail(`Page ${page.number} was not told its status`)
    }
    for (const { turn, outcome, places } of signals.values()) {
      const hasNeverLeft = outcome === 'expired' || outcome === 'dropped'
      if (hasNeverLeft && places.length > 0) fail(`PHANTOM: turn ${turn} is ${outcome}, and in the log`)
    }
    if (failures.length > 0) throw new Error(failures.map(String).join('\n'))
  }

  function openPages(): Page[] {
    return pages.filter((page) => page !== undefined)
  }

  function isAtRest(): boolean {
    const isSettled = [...signals.values()].every((sent) => sent.timesSettled === 1 && !isUnsent(sent))
    return !isDraining && isSettled && openPages().every(({ client }) => client.status.state === 'online')
  }

  async function waitForRest(): Promise<void> {
    for (let waited = 0; waited < 40 && !isAtRest(); waited++) await pass(2000)
    // The last frames that are on their way to the receivers.
    await pass(20)
    check()
    if (isAtRest()) return
    const states = openPages().map(({ number, client }) => `page ${number} is ${client.status.state}`)
    const open = [...signals.values()].filter(({ timesSettled }) => timesSettled === 0)
    const unsent = [...signals.values()].find(isUnsent)
    if (unsent) throw new Error(`LOST: nobody sent turn ${unsent.turn} after its page had gone`)
    throw new Error(`No rest within 80 s: ${states.join(', ')}; ${open.length} promises are open`)
  }

  /** `before`: what was logged later may still be on its way. */
  function findLost(of: readonly Page[], before = Infinity): void {
    for (const page of of) {
      for (const listening of page.listenings.values()) {
        for (const sent of signals.values()) {
          if (!isAccepted(sent) || hasHandled(page, listening, sent) || !isOwed(listening, sent)) continue
          if (sent.places.some(({ at }) => at > before)) continue
          const uncovered = sent.places.find((place) => !isCovered(listening, place))
          if (!uncovered) tally.covered += 1
          else fail(`LOST: page ${page.number} was never given turn ${sent.turn}, ${show(uncovered)} of ${sent.room}`)
        }
      }
    }
  }

  /** What nobody has to cut a line for: whoever is online, on a line that lives, has what it is owed. */
  async function checkLive(): Promise<void> {
    const isWell = ({ status, lines }: Page): boolean => status.state === 'online' && !lines.at(-1)?.isStalled
    const before = new Map(openPages().map((page) => [page, page.lines.at(-1)]))
    await pass(2000)
    const isSame = (page: Page): boolean => isWell(page) && before.get(page) === page.lines.at(-1)
    const well = openPages().filter(isSame)
    if (relay) findLost(well, performance.now() - 100)
    if (relay) findUntold(well)
    check()
  }

  function findUntold(of: readonly Page[]): void {
    for (const { number, listenings } of of) {
      for (const { owedAfter, room } of listenings.values()) {
        if (owedAfter === undefined) fail(`GAPS: page ${number} was told neither of a place nor of a gap in ${room}`)
      }
    }
  }

  return {
    tally,

    async act(action) {
      await perform(action)
      await settlePromises()
      check()
    },

    async rest() {
      relay?.calm()
      troubleUntil = 0
      for (const [slot, tab] of tabs.entries()) {
        if (tab?.kept) destroy(tab.kept)
        if (tab) tab.kept = undefined
        arrive(slot, 'navigation')
      }
      for (const page of openPages()) {
        if (page.isFrozen) {
          thaw(page)
          page.realm.happen('resume', 'document')
        }
        page.tampering = undefined
      }
      startNext(EVERYTHING)
      await checkLive()
      for (const page of openPages())
        if (page.status.state === 'closed') page.realm.run(() => page.client.setToken(issueToken))
      // An answer that got lost on a line that lives, or a line that is dead and does not say so, would take minutes.
      for (const page of openPages()) {
        page.tampering = undefined
        page.lines.at(-1)?.cut()
      }
      await waitForRest()
      for (const page of openPages()) for (const room of ROOMS) publish(page, room, 'last')
      await waitForRest()
      findUntold(openPages())
      findLost(openPages())
      tally.rescued += [...signals.values()].filter((sent) => sent.isLeft && sent.places.length > 0).length
      check()
    },

    async end() {
      for (const slot of pages.keys()) close(slot)
      await settlePromises()
      const open = [...signals.values()].filter(({ timesSettled }) => timesSettled !== 1)
      if (open.length > 0) fail(`${open.length} promises did not settle with close()`)
      relay?.kill()
      for (const page of everyPage) for (const line of page.lines) line.cut()
      // What is left of a graceful restart ends by itself.
      await pass(10_000)
      if (vi.getTimerCount() > 0) fail(`LEAK: ${vi.getTimerCount()} timers stay behind`)
      check()
      vi.unstubAllGlobals()
      removeFakeBrowser()
    },
  }
}

/** It was left to the next page of its tab, and is in no log. */
function isUnsent({ isLeft, isExcused, ttl, key, places, outcome }: Sent): boolean {
  const isOwed = isLeft && !isExcused && ttl === undefined && key === undefined
  return isOwed && places.length === 0 && outcome !== 'dropped'
}

function isAccepted({ outcome, isLeft, places }: Sent): boolean {
  return outcome === 'accepted' || (isLeft && places.length > 0)
}

function hasHandled(page: Page, { isInherited }: Listening, sent: Sent): boolean {
  return page.handled.has(sent) || (isInherited && page.handledBefore.has(sent))
}

function isOwed({ room, owedAfter = Infinity, wantedFrom, hole }: Listening, sent: Sent): boolean {
  if (sent.room !== room) return false
  return sent.turn > owedAfter || sent.places.every(({ at }) => at > wantedFrom + hole)
}

/** What was missed before, and comes after all because it is sent again, comes when it comes. */
function isOrderOwed(listening: Listening, sent: Sent): boolean {
  return sent.page.isOrdered && isOwed(listening, sent) && !sent.places.some((place) => isCovered(listening, place))
}

function isBefore(a: Place, b: Place): boolean {
  return a.life < b.life || (a.life === b.life && a.offset < b.offset)
}

function isCovered({ missed }: Listening, place: Place): boolean {
  return missed.some(({ after, upTo }) => isBefore(after, place) && !isBefore(upTo, place))
}

function show({ life, offset }: Place): string {
  return `offset ${offset} of life ${life}`
}
