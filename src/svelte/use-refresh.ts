import type { Readable } from 'svelte/store'
import type { RefreshAction, RefreshOptions } from '../refresh/index.js'
import { refreshByKey } from '../refresh/refresh-on.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap, SignalName } from '../signals.js'
import { whileMounted } from './while-mounted.js'

/**
 * Runs `action` when one of the signals arrives, as `refreshOn` does, while the component is mounted: once for a
 * burst, and never while the page is hidden or the user is busy with it. The options may be a store. Does nothing
 * on a server.
 *
 * @throws SignalError when mounted: `bad-name` or `bad-option`.
 */
export function useRefresh<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(
  names: Name | readonly Name[],
  action: RefreshAction,
  options: RefreshOptions<Sent, Received, Name> | Readable<RefreshOptions<Sent, Received, Name>> = {},
): void {
  const key = {}
  whileMounted(options, (client: SignalClient<Sent, Received>, refreshOptions) =>
    refreshByKey(key, names, action, { ...refreshOptions, client }),
  )
}
