'use client'
import { useCallback, useRef } from 'react'
import { followClient } from '../bindings/follow-client.js'
import { IDLE } from '../bindings/idle.js'
import type { AnyClient, UseSignalStatusOptions } from '../bindings/options.js'
import { getPageClient } from '../page-client.js'
import type { Stop } from '../signals.js'
import type { SignalStatus } from '../status.js'
import { useProvidedClient } from './provider.js'
import { requireHook } from './require-hook.js'

/**
 * Returns the status of the connection: the component renders again at every change. With `grace`, shorter interruptions
 * (ms) do not show. The state is `idle` on a server, during hydration, and while the page has no client.
 */
export function useSignalStatus(options: UseSignalStatusOptions = {}): SignalStatus {
  const provided = useProvidedClient<AnyClient>()
  const { client = provided, grace = 0 } = options
  // The reported status: within the grace, the client's own status is ahead of it.
  const told = useRef((client ?? getPageClient())?.status ?? IDLE)

  const subscribe = useCallback(
    (rerender: () => void): Stop => {
      const tell = (status: SignalStatus): void => {
        told.current = status
        rerender()
      }
      return followClient(client, (live) => {
        tell(live.status)
        return live.onStatus(tell, { grace })
      })
    },
    [client, grace],
  )
  return requireHook('useSyncExternalStore')(
    subscribe,
    () => told.current,
    () => IDLE,
  )
}
