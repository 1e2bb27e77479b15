import { get } from 'node:http'
import { type Chance, createChance } from './chance.js'
import { count, type Counts } from './counters.js'
import type { FrameRules } from './frame-rules.js'
import { createTrace, type Trace } from './trace.js'
import { openPage, type Page, type Return } from './page.js'
import { type Proxy, startProxy } from './proxy.js'
import type { RelayUnderTest } from './relay-under-test.js'
import { type Blocked, SEED, THROUGH } from './run-length.js'
import { wrapSocket } from '../../src/fallback/fallback.js'
import { openSocket } from '../../src/connection/socket.js'
import { startBlockingProxy } from '../support/blocking-proxy.js'
import { tapSockets, tapWire } from './socket-tap.js'
import type { FakePage } from './fake-page.js'
import { countTimers } from './timers.js'
import { pause, quiesce, until } from './waiting.js'
import { createObserver, type Observer } from './observer.js'

export const ROOMS = ['main', 'side']

export interface Scenario {
  readonly relay: RelayUnderTest
  /** How long signals are published, in seconds … */
  readonly seconds: number
  /** … unless so many have been published before. */
  readonly signals?: number
  /** … or the faults are over. */
  readonly isDone?: () => boolean
  /** Signals per second, of all publishers together. @default 400 */
  readonly rate?: number
  readonly returns?: Return
  readonly rules?: (chance: Chance) => FrameRules
  readonly token?: (client: string) => string | (() => string)
  /** Signals that the relay keeps per room. @default 1000 */
  readonly history?: number
  /** Sees the log. @default an observer with a connection of its own to the relay */
  readonly observer?: Observer
  /** What the pages take for their browser. @default they have none */
  readonly fakePage?: FakePage
  /** Blocks WebSockets, so that pages fall back to HTTP. */
  readonly blocked?: Blocked | undefined
  /** Does the faults, until `isOver`. */
  readonly faults?: (model: Model) => Promise<void>
}

/** Where faults happen. */
export interface Model {
  readonly relay: RelayUnderTest
  readonly proxy: Proxy
  readonly chance: Chance
  readonly trace: Trace
  readonly pages: readonly Page[]
  readonly isOver: () => boolean
  /** Counts a fault. */
  note(fault: string, times?: number): void
  /** Waits until every page is online in the relay's present run, and was told of every gap. */
  allBack(): Promise<boolean>
  /** Kills the relay and starts it again. */
  restart(): Promise<void>
}

export interface Outcome extends Counts {
  readonly seconds: number
  readonly faults: Readonly<Record<string, number>>
  /** Connections, rooms, sockets, timers and, where there is a page, listeners that were left when all was closed. */
  readonly LEAK: number
  /** Whether everything settled within the time that it had. */
  readonly isQuiet: boolean
  /** Pages that were not online in the end, and what they said instead. */
  readonly offline: readonly string[]
  /** Gaps that the relay owed, by what its log still had when a client came back. */
  readonly gapsOwed: number
  /** Signals that stand in the log more than once in one epoch. */
  readonly loggedTwice: number
  readonly dials: number
  /** Fresh tokens that a connection handed over and the relay agreed to, without a new dial. */
  readonly renewals: number
  /** How often clients asked whether the relay is there. */
  readonly pings: number
  readonly errors: Readonly<Record<string, number>>
}

const PUBLISHERS = ['p1', 'p2', 'p3', 'p4']
const RECEIVERS = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']
/** Fewer than an outbox holds: what a publisher may have unanswered. */
const WINDOW = 48
/** How often publishers publish, in milliseconds. */
const PACE = 10

/** Publishes while faults happen, waits until all is quiet, counts, and closes everything. */
export async function run(scenario: Scenario): Promise<Outcome> {
  const {
    relay,
    seconds,
    signals = Infinity,
    rate = 400,
    returns = 'when told',
    rules,
    token,
    history = 1000,
    faults,
    isDone = () => false,
    fakePage,
    blocked = THROUGH,
  } = scenario
  const chance = createChance(SEED)
  const timersBefore = countTimers()
  const faultCounts = new Map<string, number>()
  const observer = scenario.observer ?? createObserver(ROOMS, token && tokenOf(token('observer')))
  const trace = createTrace(() => relay.runNumber)
  const tap = tapSockets(trace)
  const start = async (): Promise<void> => {
    await relay.start()
    await observer.watch(relay.port ?? 0, relay.runNumber)
  }

  await start()
  const frameRules = rules?.(chance)
  const blocking = blocked && (await startBlockingProxy(() => relay.port, 'answers 403', BUFFER_BYTES[blocked]))
  const target = (): number | undefined => (blocking ? blocking.port : relay.port)
  const proxy = await startProxy({ target, chance, ...(frameRules && { rules: frameRules }) })
  const open = (name: string): Page =>
    openPage({
      name,
      port: proxy.port,
      token: token?.(name),
      returns,
      impatience: () => chance.between(0, 200),
      openWire: blocked && tapWire(name, trace, wrapSocket(openSocket)),
    })
  const publishers = PUBLISHERS.map(open)
  const receivers = RECEIVERS.map(open)
  const pages = [...publishers, ...receivers]
  for (const { client, name } of receivers) for (const room of ROOMS) trace.receive(client, name, room)

  const isBack = (): boolean =>
    pages.every(({ client }) => client.status.state === 'online') &&
    receivers.every(({ name }) =>
      ROOMS.every(
        (room) => trace.hasBegun(name, room) && trace.position(name, room)?.epoch === observer.head(room)?.epoch,
      ),
    )
  const isLevel = (): boolean =>
    trace.published.every(({ outcome }) => outcome !== undefined) &&
    isBack() &&
    receivers.every(({ name }) =>
      ROOMS.every((room) => trace.position(name, room)?.offset === observer.head(room)?.offset),
    )
  if (!(await until(isBack, LONGEST_RETURN))) throw new Error('The pages did not get online.')
  // A page that a proxy held up at first asks for signals from before the relay began, which is a gap.
  for (const heard of trace.heard.values()) heard.length = 0

  const startedAt = performance.now()
  const isOver = (): boolean =>
    isDone() || performance.now() - startedAt > seconds * 1000 || trace.published.length >= signals
  const model: Model = {
    relay,
    proxy,
    chance,
    trace,
    pages,
    isOver,
    note: (fault, times = 1) => void faultCounts.set(fault, (faultCounts.get(fault) ?? 0) + times),
    allBack: () => until(isBack, LONGEST_RETURN),
    async restart() {
      await relay.kill()
      await start()
    },
  }
  const publishing = publishers.map((page) => publish(page, trace, chance, rate / publishers.length, isOver))
  await Promise.all([...publishing, faults?.(model)])
  const ranFor = (performance.now() - startedAt) / 1000

  proxy.shape({})
  proxy.refuse(false)
  const isQuiet = await quiesce({ progress: trace.progress, isLevel })
  const offline = pages.flatMap(({ name, client: { status } }) =>
    status.state === 'online' ? [] : [`${name} ${JSON.stringify(status)}`],
  )
  const counts = count(trace.record(observer))

  for (const page of pages) page.close()
  observer.close()
  const left = await leftAtRelay(relay)
  await relay.stop()
  await proxy.close()
  blocking?.close()
  const excess = (): number => Math.max(0, countTimers() - timersBefore) + tap.open.size + (fakePage?.listeners ?? 0)
  await until(() => excess() === 0, LONGEST_FAREWELL)
  const LEAK = left + excess()
  tap.remove()

  return {
    ...counts,
    seconds: ranFor,
    faults: Object.fromEntries([...faultCounts, ...(frameRules?.counts ?? [])]),
    LEAK,
    isQuiet,
    offline,
    gapsOwed: trace.gapsOwed(history),
    loggedTwice: [...observer.logged.values()].filter(
      (places) => new Set(places.map(({ epoch }) => epoch)).size < places.length,
    ).length,
    renewals: trace.renewals,
    pings: trace.pings,
    dials: [...trace.dials.values()].reduce((sum, dials) => sum + dials, 0),
    errors: sumOf(pages.map(({ errors }) => errors)),
  }
}

/** What a proxy holds back of each answer. */
const BUFFER_BYTES: { readonly [Through in Blocked]: number } = { streams: 0, buffers: 65_536 }

const LONGEST_RETURN = 45_000
const LONGEST_FAREWELL = 10_000

async function publish(
  { client, name }: Page,
  { publish, published }: Trace,
  chance: Chance,
  rate: number,
  isOver: () => boolean,
): Promise<void> {
  const unanswered = new Set<(typeof published)[number]>()
  let due = 0
  let lastAt = performance.now()
  while (!isOver()) {
    const now = performance.now()
    due = Math.min(WINDOW, due + ((now - lastAt) / 1000) * rate)
    lastAt = now
    for (const signal of unanswered) if (signal.outcome !== undefined) unanswered.delete(signal)
    for (; due >= 1 && unanswered.size < WINDOW && !isOver(); due -= 1) {
      unanswered.add(publish(client, name, ROOMS[Math.floor(chance.between(0, ROOMS.length))] ?? ''))
    }
    await pause(PACE)
  }
}

/** Connections and rooms of the relay that are still there when everybody has closed. */
async function leftAtRelay({ port, ports = port === undefined ? [] : [port] }: RelayUnderTest): Promise<number> {
  let left = ports.length
  const end = performance.now() + LONGEST_FAREWELL
  while (left > 0 && performance.now() < end) {
    const answers = await Promise.all(ports.map(askHealth))
    left = answers.reduce((sum, { connections, rooms }) => sum + connections + rooms, 0)
    if (left > 0) await pause(50)
  }
  return left
}

function askHealth(port: number): Promise<{ connections: number; rooms: number }> {
  return new Promise((resolve, reject) => {
    get({ port, path: '/health', host: '127.0.0.1', agent: false }, (response) => {
      let text = ''
      response.on('data', (bytes) => (text += String(bytes)))
      response.on('end', () => resolve(JSON.parse(text)))
    }).on('error', reject)
  })
}

function tokenOf(token: string | (() => string)): string {
  return typeof token === 'string' ? token : token()
}

function sumOf(maps: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const map of maps) for (const [key, value] of map) sums[key] = (sums[key] ?? 0) + value
  return sums
}
