import { type Accessor, createEffect, onCleanup, untrack } from 'solid-js'
import { followClient } from '../bindings/follow-client.js'
import type { Stop } from '../signals.js'
import { useProvidedClient } from './provider.js'

/** A value, or an accessor of it, which is followed. */
export type MaybeAccessor<Value> = Value | Accessor<Value>

/**
 * Begins when the component is mounted, never on a server, and ends with its owner. Begins again when the options or
 * the provided client change.
 */
export function whileMounted<Client extends object, Options extends { readonly client?: Client | undefined }>(
  options: MaybeAccessor<Options>,
  begin: (client: Client, options: Omit<Options, 'client'>) => Stop,
): void {
  const provided = useProvidedClient<Client>()
  createEffect(() => {
    const { client = provided(), ...rest } = typeof options === 'function' ? options() : options
    onCleanup(untrack(() => followClient(client, (live) => begin(live, rest))))
  })
}
