import * as Vue from 'vue'
import type { RefreshAction, RefreshOptions } from '../refresh/index.js'
import { refreshByKey } from '../refresh/refresh-on.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap, SignalName, Stop } from '../signals.js'
import { whileMounted } from './while-mounted.js'

/**
 * Runs `action` when one of the signals arrives, as `refreshOn` does, while the component is mounted, or the scope is
 * active: once for a burst, and never while the page is hidden or the user is busy with it. The names and the
 * options may be refs or getters. Does nothing on a server.
 *
 * @throws SignalError when mounted: `bad-name` or `bad-option`.
 */
export function useRefresh<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(
  names: Vue.MaybeRefOrGetter<Name | readonly Name[]>,
  action: RefreshAction,
  options: Vue.MaybeRefOrGetter<RefreshOptions<Sent, Received, Name>> = {},
): Stop {
  const key = {}
  return whileMounted(options, (client: SignalClient<Sent, Received>, refreshOptions) =>
    refreshByKey(key, Vue.toValue(names), action, { ...refreshOptions, client }),
  )
}
