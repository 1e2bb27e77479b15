import { type Readable, readonly, writable } from 'svelte/store'
import { IDLE } from '../bindings/idle.js'
import type { AnyClient, UseSignalStatusOptions } from '../bindings/options.js'
import type { SignalStatus } from '../status.js'
import { whileMounted } from './while-mounted.js'

/**
 * Returns the status of the connection. With `grace`, shorter interruptions (ms) do not show. The state is `idle` on a
 * server, until the component is mounted, and while the page has no client.
 */
export function useSignalStatus(
  options: UseSignalStatusOptions | Readable<UseSignalStatusOptions> = {},
): Readable<SignalStatus> {
  const status = writable(IDLE)
  whileMounted(options, (client: AnyClient, statusOptions) => {
    status.set(client.status)
    return client.onStatus(status.set, statusOptions)
  })
  return readonly(status)
}
