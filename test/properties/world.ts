import { isDeepStrictEqual } from 'node:util'
import { vi } from 'vitest'
import type { Entry } from '../../examples/relay/log/log.js'
import { createSignalClient, type SendOutcome, type SignalClient, type SignalStatus } from '../../src/index.js'
import type { ClientFrame, GapFrame, JoinedFrame, RelayFrame, SignalFrame } from '../../src/protocol/frames.js'
import { ROOMS, type Action, type Tampering } from './actions.js'
import { isEdge } from './edges.js'
import { createLine, textsOf, type MemoryLine } from './memory-line.js'
import { startMemoryRelay, type MemoryRelay } from './memory-relay.js'
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
  stop: () => void
  /** From when on its signals are wanted, in virtual milliseconds. */
  readonly wantedFrom: number
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

interface Page {
  readonly number: number
  readonly client: SignalClient
  readonly since: 'navigation' | 'now'
  readonly listenings: Map<string, Listening>
  readonly visited: Set<string>
  readonly handled: Set<Sent>
  readonly lines: MemoryLine[]
  readonly unexpected: unknown[]
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
}

export interface World {
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
export interface WorldOptions {
  /** Signals that the first relay keeps per room. */
  readonly history: number
  /** Whether what is known to be open (see `seeds.ts`) counts as a failure too. @default false */
  readonly isStrict?: boolean
}

/** Pages with the real client, and a relay of the real parts, on virtual time. It checks while it lives. */
export function createWorld({ history, isStrict = false }: WorldOptions): World {
  const tally: Tally = { accepted: 0, handled: 0, gaps: 0, covered: 0, lines: 0 }
  // By turn, which is part of the data.
  const signals = new Map<unknown, Sent>()
  const pages: (Page | undefined)[] = []
  const everyPage: Page[] = []
  let pageNumber = 0
  let turns = 0
  let life = 0
  const histories = new Map<number, number>()
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
    const mine = life
    histories.set(mine, kept)
    relay = startMemoryRelay({
      history: kept,
      rooms: ROOMS,
      onLogged: (room, entry) => log(room, entry, mine),
      onFailure: (error) => fail(`The relay failed: ${String(error)}`),
    })
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
    const page = everyPage[Number(new URL(url).searchParams.get('page'))]
    if (!page) throw new Error(`Nobody dials ${url}`)
    const mine = relay
    const joins = new Map<string, Join[]>()
    const line = createLine({
      url,
      onSent: (text) => noteJoins(page, joins, text),
      onArrived: (text, handle) => arrive(page, joins, line, lifeOfLine, text, handle),
      onThrow: (error) => fail(`Thrown out of a socket event: ${String(error)}`),
    })
    const lifeOfLine = life
    if (page.isClosed) fail(`Page ${page.number} dials after close()`)
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

  function arrive(
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
      if (line.isLive && join) establish(page, join, frame, ofLife)
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
    if (!listening || page.listenings.get(frame.room) !== listening) return
    if (frame.recovered && listening.owedAfter === undefined) {
      const delay = performance.now() - at
      if (delay > Math.max(PROMPT_ANSWER, listening.allowance)) return void (listening.allowance = delay)
      if (!isStrict) listening.hole = Math.min(delay, PROMPT_ANSWER)
    }
    page.visited.add(frame.room)
    // Without recovery there is no position before the gap was told.
    if (!frame.recovered) return
    listening.owedAfter ??= turns
    listening.life = ofLife
  }

  function open(slot: number, since: 'navigation' | 'now'): void {
    if (pages[slot]) return
    const number = pageNumber++
    const client = createSignalClient({
      url: `ws://relay.test/signals?page=${number}`,
      connect: 'manual',
      since,
      onError: (error) => EXPECTED_ERRORS.has(error.code) || page.unexpected.push(error),
    })
    const page: Page = {
      number,
      client,
      since,
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
    client.onStatus((status) => followStatus(page, status))
    client.onGap((gap) => followGap(page, gap.room))
    client.connect()
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
    const isTrue = reason === 'epoch' ? isFirst || listening.life < ofLife : histories.get(ofLife) !== EVERYTHING
    if (!isTrue) fail(`GAPS: ${reason} is told in ${listening.room}, and is not so`)
    const after = isFirst ? NOWHERE : { life: reason === 'trimmed' ? ofLife : listening.life, offset: from }
    // What a new life keeps is not excused by the loss of the old one.
    const isKept = isStrict && reason === 'epoch' && !isFirst && histories.get(ofLife) === EVERYTHING
    listening.missed.push({ after, upTo: { life: ofLife, offset: isKept ? 0 : offset } })
    listening.life = ofLife
    listening.owedAfter ??= turns
  }

  function receive(page: Page, listening: Listening, name: string, id: string, data: unknown): void {
    tally.handled += 1
    const { frame, life: ofLife = 0 } = page.handling ?? {}
    const sent = find(data, id)
    if (frame?.type !== 'signal' || !sent) return fail(`PHANTOM: page ${page.number} handles ${id} out of nothing`)
    const { turn } = sent
    if (page.isClosed) fail(`Page ${page.number} handles turn ${turn} after close()`)
    if (page.listenings.get(listening.room) !== listening) fail(`Page ${page.number} handles turn ${turn} after stop()`)
    if (name !== sent.name || frame.room !== sent.room || !isDeepStrictEqual(data, sent.data)) {
      fail(`PHANTOM: turn ${turn} is not what was sent`)
    }
    if (page.handled.has(sent)) fail(`DUP: page ${page.number} handles turn ${turn} twice`)
    page.handled.add(sent)
    const here = { life: ofLife, offset: frame.offset }
    if (!isBefore(listening.reached, here)) fail(`ORDER: ${show(here)} comes after ${show(listening.reached)}`)
    listening.reached = here
    const before = listening.lastTurns.get(sent.page) ?? 0
    if (turn <= before && isOrderOwed(listening, sent) && (isStrict || sent.outcome !== 'unknown')) {
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
    const sent: Sent = { page, room, name, turn, data, places: [], timesSettled: 0 }
    signals.set(turn, sent)
    void page.client.sendSignal(name, { turn, value }, { room, ...options }).then(
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
    const listening: Listening = inherited ?? {
      room,
      stop: () => undefined,
      wantedFrom:
        isFirst && page.since === 'navigation' && performance.now() < NAVIGATION_WINDOW ? 0 : performance.now(),
      hole: ROUND_TRIP,
      allowance: 0,
      life: 0,
      reached: NOWHERE,
      lastTurns: new Map(),
      missed: [],
    }
    page.listenings.set(room, listening)
    listening.stop = page.client.receiveSignal('*', (data, { name, id }) => receive(page, listening, name, id, data), {
      room,
    })
  }

  function close(slot: number): void {
    const page = pages[slot]
    if (!page) return
    pages[slot] = undefined
    page.isClosed = true
    page.client.close()
    page.listenings.clear()
    if (page.client.status.state !== 'closed') fail(`Page ${page.number} is not closed after close()`)
  }

  async function perform(action: Action): Promise<void> {
    const page = 'page' in action ? pages[action.page] : undefined
    const line = page?.lines.at(-1)
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
        listening?.stop()
        if (action.do === 'stop') page?.listenings.delete(action.room)
        else if (page && listening) listen(page, action.room, listening)
        return
      }
      case 'cut':
      case 'stall':
      case 'heal':
        return line?.[action.do]()
      case 'connect':
        return page?.client.connect()
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
    const isSettled = [...signals.values()].every(({ timesSettled }) => timesSettled === 1)
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
    throw new Error(`No rest within 80 s: ${states.join(', ')}; ${open.length} promises are open`)
  }

  function findLost(): void {
    for (const page of openPages()) {
      for (const listening of page.listenings.values()) {
        for (const sent of signals.values()) {
          if (sent.outcome !== 'accepted' || page.handled.has(sent) || !isOwed(listening, sent)) continue
          const uncovered = sent.places.find((place) => !isCovered(listening, place))
          if (!uncovered) tally.covered += 1
          else fail(`LOST: page ${page.number} was never given turn ${sent.turn}, ${show(uncovered)} of ${sent.room}`)
        }
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
      startNext(EVERYTHING)
      // An answer that got lost on a line that lives, or a line that is dead and does not say so, would take minutes.
      for (const page of openPages()) {
        page.tampering = undefined
        page.lines.at(-1)?.cut()
      }
      await waitForRest()
      for (const page of openPages()) for (const room of ROOMS) publish(page, room, 'last')
      await waitForRest()
      for (const page of openPages()) {
        for (const { owedAfter, room } of page.listenings.values()) {
          if (owedAfter === undefined)
            fail(`GAPS: page ${page.number} was told neither of a place nor of a gap in ${room}`)
        }
      }
      findLost()
      check()
    },

    async end() {
      for (const page of everyPage) page.client.close()
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
    },
  }
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
