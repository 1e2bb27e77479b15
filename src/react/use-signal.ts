'use client'
import { useEffect } from 'react'
import { followClient } from '../bindings/follow-client.js'
import type { UseSignalOptions } from '../bindings/options.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalHandler, SignalMap, SignalName } from '../signals.js'
import { useProvidedClient } from './provider.js'
import { useLatest } from './use-latest.js'

/**
 * Calls `handler` with the data of every signal called `name` while the component is mounted. The handler and `where`
 * of the last render are the ones that are called; neither needs to be memoised. Does nothing on a server.
 *
 * @throws SignalError in an effect: `bad-name` or `bad-option`.
 */
export function useSignal<
  Name extends SignalName<Received> | '*',
  Received extends SignalMap = JsonifyMap<RegisteredSignals>,
>(name: Name, handler: SignalHandler<Received, Name>, options: UseSignalOptions<Name, Received> = {}): void {
  const provided = useProvidedClient<SignalClient<never, Received>>()
  const { client = provided, ...receiveOptions } = options
  const { room, once, from, signal, where } = receiveOptions
  const latest = useLatest({ handler, where })

  useEffect(
    () =>
      followClient(client, (live) =>
        live.receiveSignal(name, (data, received) => latest.current.handler(data, received), {
          ...receiveOptions,
          where: (received) => latest.current.where?.(received) ?? true,
        }),
      ),
    [client, name, room, once, from, signal],
  )
}
