import { call } from '../page/dom.js'
import type { DataOf, JsonifyMap, RegisteredSignals, Signal, SignalClient, SignalName, Stop } from '../signals.js'

/** A signal as an event of the page: `detail` is its data, `null` for none. */
export interface SignalEvent<Name extends string = string, Data = Signal['data']> extends CustomEvent<
  Data extends undefined ? null : Data
> {
  readonly signal: Signal<Name, Data>
}

/** An event like `signal:ReportIncome` for each name of the registry, or for any name if the registry is empty. */
export type SignalEventMap = {
  [Name in SignalName<RegisteredSignals> as `signal:${Name}`]: SignalEvent<
    Name,
    DataOf<JsonifyMap<RegisteredSignals>, Name>
  >
}

declare global {
  interface DocumentEventMap extends SignalEventMap {}
}

export interface SignalDispatch {
  readonly setRooms: (rooms: ReadonlySet<string>) => void
  /** Whether a signal of one of the names, or a gap of the room, is newer than a time, as `performance.now()`. */
  readonly hasNews: (room: string, names: readonly string[], since: number) => boolean
  readonly stop: Stop
}

/** Dispatches every signal as an event `signal:<name>` on the target, and once more with the name in lower case. */
export function dispatchSignals(client: SignalClient, target: EventTarget): SignalDispatch {
  const receivers = new Map<string, Stop>()
  /** When the last signal of each name, and the last gap, came to a room. */
  const news = new Map<string, number>()

  function dispatch(detail: Signal['data'], signal: Signal): void {
    for (const name of [signal.name, '*']) news.set(`${signal.room} ${name}`, performance.now())
    // HTML makes the names of attributes lower-case, and some libraries listen by them.
    for (const name of new Set([signal.name, signal.name.toLowerCase()]))
      call(target, 'dispatchEvent', Object.assign(new CustomEvent(`signal:${name}`, { detail }), { signal }))
  }

  const unsubscribe = client.onGap(({ room }) => news.set(`${room} gap*`, performance.now()))

  function setRooms(rooms: ReadonlySet<string>): void {
    for (const room of rooms) {
      if (receivers.has(room)) continue
      // Nothing tells whether the last page had a listener of the event.
      receivers.set(room, client.receiveSignal('*', dispatch, { room, since: 'page' }))
    }
    for (const [room, stop] of receivers) {
      if (rooms.has(room)) continue
      stop()
      receivers.delete(room)
    }
  }

  return {
    setRooms,
    hasNews: (room, names, since) => [...names, 'gap*'].some((name) => Number(news.get(`${room} ${name}`)) >= since),
    stop() {
      setRooms(new Set())
      unsubscribe()
    },
  }
}
