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

/** Dispatches every signal as an event `signal:<name>` on the target. The returned function sets the rooms. */
export function dispatchSignals(client: SignalClient, target: EventTarget): (rooms: ReadonlySet<string>) => void {
  const receivers = new Map<string, Stop>()

  function dispatch(detail: Signal['data'], signal: Signal): void {
    call(target, 'dispatchEvent', Object.assign(new CustomEvent(`signal:${signal.name}`, { detail }), { signal }))
  }

  return (rooms) => {
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
}
