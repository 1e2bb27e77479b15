import type { ClientFrame, RelayFrame, Since } from '../../src/protocol/frames.js'
import type { SignalClient } from '../../src/index.js'
import type { TraceRecord, Heard, Place, Published } from './counters.js'
import type { SocketListener } from './socket-tap.js'
import type { Observer } from './observer.js'

/** Writes down what publishers got, what receivers were told, and what their sockets knew at that moment. */
export interface Trace extends SocketListener {
  readonly published: Published[]
  readonly heard: Map<string, Heard[]>
  /** Dials per client. */
  readonly dials: ReadonlyMap<string, number>
  /** Tokens that were renewed on the connection that was there. */
  readonly renewals: number
  /** Pings of clients. */
  readonly pings: number
  /** Grows with all that happens. */
  progress(): number
  /** Publishes one signal, and notes what becomes of it. */
  publish(client: SignalClient, publisher: string, room: string): Published
  /** Notes all that a client hears in a room. */
  receive(client: SignalClient, receiver: string, room: string): void
  /** How many gaps the relay owed, by what was asked and what the log still had at that moment. */
  gapsOwed(history: number): number
  /** Where a client stands in a room, as told by its frames. */
  position(client: string, room: string): Place | undefined
  /** Whether the relay has answered all requests by age: a client on a slow network sends a second one, which can bring a gap. */
  hasBegun(client: string, room: string): boolean
  record(observer: Observer): TraceRecord
}

/** What the data of every signal holds. */
interface Data {
  readonly publisher: string
  readonly number: number
}

export function createTrace(runNumber: () => number): Trace {
  const published: Published[] = []
  const heard = new Map<string, Heard[]>()
  const numbers = new Map<string, number>()
  const dials = new Map<string, number>()
  const runNumbers = new Map<string, number>()
  const acceptedIn = new Map<string, number>()
  const positions = new Map<string, Place>()
  const places = new Map<string, Place>()
  const gaps = new Map<string, { from: Place; to: Place }[]>()
  const asked = new Map<string, Since | undefined>()
  const beginning = new Set<string>()
  const answers: { readonly since: Since | undefined; readonly epoch: string; readonly head: number }[] = []
  const renewing = new Set<string>()
  let moves = 0
  let renewals = 0
  let pings = 0

  function onSaid(client: string, frame: ClientFrame): void {
    if (frame.type === 'token') renewing.add(client)
    if (frame.type === 'ping') pings += 1
    if (frame.type === 'join') onAsked(`${client} ${frame.room}`, frame.since)
    else if (frame.type === 'hello') for (const { room, since } of frame.rooms) onAsked(`${client} ${room}`, since)
  }

  function onAsked(key: string, since: Since | undefined): void {
    asked.set(key, since)
    if (since && !('epoch' in since)) beginning.add(key)
  }

  function listOf(receiver: string): Heard[] {
    const list = heard.get(receiver) ?? []
    heard.set(receiver, list)
    return list
  }

  function onTold(client: string, frame: RelayFrame): void {
    if (PROGRESS.has(frame.type)) moves += 1
    switch (frame.type) {
      case 'welcome':
        if (renewing.delete(client)) renewals += 1
        return void runNumbers.set(client, runNumber())
      case 'accepted':
        for (const id of frame.ids) if (!acceptedIn.has(id)) acceptedIn.set(id, runNumbers.get(client) ?? 0)
        return
      case 'joined':
        beginning.delete(`${client} ${frame.room}`)
        answers.push({ since: asked.get(`${client} ${frame.room}`), epoch: frame.epoch, head: frame.head })
        if (frame.recovered) positions.set(`${client} ${frame.room}`, frame)
        return
      case 'gap':
        return noteGap(`${client} ${frame.room}`, frame.from, frame)
      case 'signal':
        return notePlace(client, frame.room, frame.id, frame.offset)
    }
  }

  function noteGap(key: string, after: number, { epoch, offset }: Place): void {
    const to = { epoch, offset }
    const from = { epoch: positions.get(key)?.epoch ?? epoch, offset: after }
    gaps.set(key, [...(gaps.get(key) ?? []), { from, to }])
    positions.set(key, to)
  }

  function notePlace(client: string, room: string, id: string, offset: number): void {
    const key = `${client} ${room}`
    const position = positions.get(key)
    if (!position) return
    places.set(`${client} ${id}`, { epoch: position.epoch, offset })
    if (offset === position.offset + 1) positions.set(key, { epoch: position.epoch, offset })
  }

  return {
    published,
    heard,
    dials,
    get renewals() {
      return renewals
    },
    get pings() {
      return pings
    },
    progress: () => moves,
    onDial(client) {
      dials.set(client, (dials.get(client) ?? 0) + 1)
      renewing.delete(client)
    },
    onSaid,
    onTold,

    publish(client, publisher, room) {
      const number = (numbers.get(publisher) ?? 0) + 1
      numbers.set(publisher, number)
      const signal: Published = { publisher, number, room }
      published.push(signal)
      const settle = async (): Promise<void> => {
        const { id, outcome } = await client.sendSignal('Fault', { publisher, number }, { room })
        moves += 1
        Object.assign(signal, { id, outcome, runNumber: acceptedIn.get(id) })
      }
      void settle()
      return signal
    },

    receive(client, receiver, room) {
      const list = listOf(receiver)
      client.receiveSignal(
        '*',
        (data, { id }) => {
          // Published above, in this form.
          const { publisher, number } = data as unknown as Data
          list.push({ type: 'signal', room, id, publisher, number, place: places.get(`${receiver} ${id}`) })
        },
        { room },
      )
      client.onGap((gap) => {
        if (gap.room !== room) return
        const told = gaps.get(`${receiver} ${room}`)?.shift()
        if (!told) throw new Error('A gap was told that no frame had told.')
        list.push({ type: 'gap', room, ...told })
      })
    },

    gapsOwed: (history) =>
      answers.filter(({ since, epoch, head }) => {
        if (!since || 'age' in since) return false
        return since.epoch !== epoch || since.offset < head - history
      }).length,

    hasBegun: (client, room) => !beginning.has(`${client} ${room}`),
    position: (client, room) => positions.get(`${client} ${room}`),
    record: ({ logged, epochs }) => ({ published, heard, logged, epochs }),
  }
}

/** Frames that bring a run forward; the others only keep connections alive. */
const PROGRESS: ReadonlySet<string> = new Set(['signal', 'accepted', 'refused', 'gap'])
