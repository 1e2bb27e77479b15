import { type Accessor, createSignal } from 'solid-js'
import { IDLE } from '../bindings/idle.js'
import type { AnyClient, UseSignalStatusOptions } from '../bindings/options.js'
import type { SignalStatus } from '../status.js'
import { type MaybeAccessor, whileMounted } from './while-mounted.js'

/**
 * Returns the status of the connection. With `grace`, shorter interruptions (ms) do not show. The state is `idle` on a
 * server, until the component is mounted, and while the page has no client.
 */
export function useSignalStatus(options: MaybeAccessor<UseSignalStatusOptions> = {}): Accessor<SignalStatus> {
  const [status, setStatus] = createSignal(IDLE)
  whileMounted(options, (client: AnyClient, statusOptions) => {
    setStatus(client.status)
    return client.onStatus(setStatus, statusOptions)
  })
  return status
}
