import type { UseSignalOptions } from '../bindings/options.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalHandler, SignalMap, SignalName } from '../signals.js'
import { type MaybeAccessor, whileMounted } from './while-mounted.js'

/**
 * Calls `handler` with the data of every signal called `name` while the component is mounted. The options may be an
 * accessor: `useSignal('Moved', show, () => ({ room: props.room }))`. Does nothing on a server.
 *
 * @throws SignalError when mounted: `bad-name` or `bad-option`.
 */
export function useSignal<
  Name extends SignalName<Received> | '*',
  Received extends SignalMap = JsonifyMap<RegisteredSignals>,
>(
  name: Name,
  handler: SignalHandler<Received, Name>,
  options: MaybeAccessor<UseSignalOptions<Name, Received>> = {},
): void {
  whileMounted(options, (client: SignalClient<never, Received>, receiveOptions) =>
    // Another function for each: two components with one handler are two receivers.
    client.receiveSignal(name, (data, signal) => handler(data, signal), receiveOptions),
  )
}
