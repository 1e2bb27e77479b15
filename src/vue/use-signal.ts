import * as Vue from 'vue'
import type { UseSignalOptions } from '../bindings/options.js'
import type {
  JsonifyMap,
  RegisteredSignals,
  SignalClient,
  SignalHandler,
  SignalMap,
  SignalName,
  Stop,
} from '../signals.js'
import { whileMounted } from './while-mounted.js'

/**
 * Calls `handler` with the data of every signal called `name` while the component is mounted, or the scope is active.
 * The name and the options may be refs or getters: `useSignal('Moved', show, () => ({ room: props.room }))`. Does
 * nothing on a server.
 *
 * @throws SignalError when mounted: `bad-name` or `bad-option`.
 */
export function useSignal<
  Name extends SignalName<Received> | '*',
  Received extends SignalMap = JsonifyMap<RegisteredSignals>,
>(
  name: Vue.MaybeRefOrGetter<Name>,
  handler: SignalHandler<Received, Name>,
  options: Vue.MaybeRefOrGetter<UseSignalOptions<Name, Received>> = {},
): Stop {
  return whileMounted(options, (client: SignalClient<never, Received>, receiveOptions) =>
    // Another function for each: two components with one handler are two receivers.
    client.receiveSignal(Vue.toValue(name), (data, signal) => handler(data, signal), receiveOptions),
  )
}
