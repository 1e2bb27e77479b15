import type { UseSendSignalOptions } from '../bindings/options.js'
import { sendSignal } from '../page-client.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap } from '../signals.js'
import { providedClient } from './provide.js'

/** The `sendSignal` of the provided client, else of the page's. */
export function useSendSignal<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(options: UseSendSignalOptions<Sent, Received> = {}): SignalClient<Sent, Received>['sendSignal'] {
  const client = options.client ?? providedClient<SignalClient<Sent, Received>>()
  return client ? client.sendSignal : (sendSignal as SignalClient<Sent, Received>['sendSignal'])
}
