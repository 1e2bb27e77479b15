import type { UseSendSignalOptions } from '../bindings/options.js'
import { sendSignal } from '../page-client.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap } from '../signals.js'
import { useProvidedClient } from './provider.js'

/** The `sendSignal` of the provided client, else of the page's: of the one that it is at the call. */
export function useSendSignal<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(options: UseSendSignalOptions<Sent, Received> = {}): SignalClient<Sent, Received>['sendSignal'] {
  const provided = useProvidedClient<SignalClient<Sent, Received>>()
  return (name, ...rest) => {
    const client = options.client ?? provided()
    return (client ? client.sendSignal : (sendSignal as SignalClient<Sent, Received>['sendSignal']))(name, ...rest)
  }
}
