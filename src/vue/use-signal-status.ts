import { type MaybeRefOrGetter, type ShallowRef, shallowRef } from 'vue'
import { IDLE } from '../bindings/idle.js'
import type { AnyClient, UseSignalStatusOptions } from '../bindings/options.js'
import type { SignalStatus } from '../status.js'
import { whileMounted } from './while-mounted.js'

/**
 * Returns the status of the connection. With `grace`, shorter interruptions (ms) do not show. The state is `idle` on a
 * server, until the component is mounted, and while the page has no client.
 */
export function useSignalStatus(
  options: MaybeRefOrGetter<UseSignalStatusOptions> = {},
): Readonly<ShallowRef<SignalStatus>> {
  const status = shallowRef(IDLE)
  whileMounted(options, (client: AnyClient, statusOptions) => {
    status.value = client.status
    return client.onStatus((next) => {
      status.value = next
    }, statusOptions)
  })
  return status
}
