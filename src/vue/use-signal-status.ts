import { type MaybeRefOrGetter, type ShallowRef, shallowRef } from 'vue'
import { IDLE } from '../bindings/idle.js'
import type { AnyClient, UseSignalStatusOptions } from '../bindings/options.js'
import type { SignalStatus } from '../status.js'
import { whileMounted } from './while-mounted.js'

/**
 * Where the connection stands. With `grace`, a drop that is over within so many milliseconds does not show. The state
 * is `idle` on a server, until the component is mounted, and while the page has no client.
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
