'use client'
import { useEffect } from 'react'
import { followClient } from '../bindings/follow-client.js'
import type { RefreshAction, RefreshOptions } from '../refresh/index.js'
import { refreshByKey } from '../refresh/refresh-on.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap, SignalName } from '../signals.js'
import { useProvidedClient } from './provider.js'
import { useLatest } from './use-latest.js'

/**
 * Runs `action` when one of the signals arrives, as `refreshOn` does, while the component is mounted: once for a
 * burst, and never while the page is hidden or the user is busy with it. The action, `where`, `guard` and
 * `onError` of the last render are the ones that are called; the names, `client`, `room` and `indicator` are
 * followed. Does nothing on a server.
 *
 * @throws SignalError in an effect: `bad-name` or `bad-option`.
 */
export function useRefresh<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(names: Name | readonly Name[], action: RefreshAction, options: RefreshOptions<Sent, Received, Name> = {}): void {
  const provided = useProvidedClient<SignalClient<Sent, Received>>()
  const { client = provided, room, indicator, guard, onError } = options
  const latest = useLatest({ ...options, action })
  const guardKind = typeof guard === 'function' ? 'function' : guard

  useEffect(
    () =>
      followClient(client, (live) => {
        const run: RefreshAction = (context) => latest.current.action(context)
        const target = (): Element | null => latest.current.action.target?.() ?? null
        const isBusy = (): boolean => {
          const { guard, action } = latest.current
          return (typeof guard === 'function' ? guard() : action.guard?.()) ?? false
        }
        return refreshByKey(latest, names, Object.assign(run, { target }, action.guard && { guard: isBusy }), {
          ...options,
          client: live,
          where: (received) => latest.current.where?.(received) ?? true,
          guard: guardKind === 'function' ? isBusy : guardKind,
          onError: onError && ((error) => latest.current.onError?.(error)),
        })
      }),
    [client, String(names), room, indicator, guardKind],
  )
}
