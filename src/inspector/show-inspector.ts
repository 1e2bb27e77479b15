import { checkName } from '../option-checks.js'
import { getPageClient, onPageClient } from '../page-client.js'
import type { AnySignals, JsonifyMap, RegisteredSignals, SignalClient, SignalMap, Stop } from '../signals.js'
import { createPanel } from './panel.js'
import { createRecord } from './record.js'
import { watchClient, watchRefreshes, watchSharing } from './watch.js'

export interface InspectorOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
> {
  /** @default the page's client, now and whenever it changes */
  readonly client?: SignalClient<Sent, Received>
  /** The rooms whose signals are shown; the inspector joins them. @default ['main'] */
  readonly rooms?: readonly string[]
}

let stopLast: Stop | undefined

/**
 * Shows a panel with the signals of this page. The panel changes nothing in the page. Its report, for support, contains data
 * of signals only if the user asks for it. The returned function, a button and Escape close the panel. A page has one panel
 * at most.
 *
 * @throws SignalError `bad-name` for a room.
 */
export function showInspector<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>({ client, rooms = ['main'] }: InspectorOptions<Sent, Received> = {}): Stop {
  if (!globalThis.document) return () => undefined
  rooms.forEach(checkName)
  stopLast?.()
  const record = createRecord(() => panel.update())
  const panel = createPanel(record, stop)
  let stopClient: Stop | undefined

  function follow(next: unknown): void {
    stopClient?.()
    // The panel shows names only, so the map of the client does not matter.
    stopClient = next ? watchClient(next as SignalClient<AnySignals>, rooms, record) : undefined
  }

  function stop(): void {
    for (const end of stops.splice(0)) end()
    if (stopLast === stop) stopLast = undefined
  }

  follow(client ?? getPageClient())
  const stops = [
    client ? () => undefined : onPageClient(follow),
    watchRefreshes(record),
    watchSharing(record),
    () => stopClient?.(),
    panel.remove,
  ]
  stopLast = stop
  return stop
}
