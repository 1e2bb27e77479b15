import { checkName } from '../options.js'
import { getPageClient, onPageClient } from '../page-client.js'
import type { AnySignals, RegisteredSignals, SignalClient, SignalMap, Stop } from '../signals.js'
import { createPanel } from './panel.js'
import { createRecord } from './record.js'
import { watchClient, watchRefreshes } from './watch.js'

export interface InspectorOptions<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent> {
  /** @default the page's client, whichever that is at the moment */
  readonly client?: SignalClient<Sent, Received>
  /** The rooms whose signals are shown; the inspector joins them. @default ['main'] */
  readonly rooms?: readonly string[]
}

let stopLast: Stop | undefined

/**
 * Shows what signals do on this page: a panel that takes nothing from the page and changes nothing in it. Its report, for
 * whoever helps, holds no data unless the user asks for it. Ends with the returned function, its button, or Escape. A page
 * has one at most.
 *
 * @throws SignalError `bad-name` for a room.
 */
export function showInspector<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent>({
  client,
  rooms = ['main'],
}: InspectorOptions<Sent, Received> = {}): Stop {
  if (!globalThis.document) return () => undefined
  rooms.forEach(checkName)
  stopLast?.()
  const record = createRecord(() => panel.update())
  const panel = createPanel(record, stop)
  let stopClient: Stop | undefined

  function follow(next: unknown): void {
    stopClient?.()
    // Each has its own map of signals; here names are only shown.
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
    () => stopClient?.(),
    panel.remove,
  ]
  stopLast = stop
  return stop
}
