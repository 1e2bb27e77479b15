import { getContext, setContext } from 'svelte'
import type { AnyClient } from '../bindings/options.js'

// A name, not a symbol: it stays the same when a development server loads this module again.
const KEY = 'signalpost:client'

/**
 * Gives the component that calls it while it is initialised, and those below, a client of their own. Without it they
 * use the page's client, so most applications need none. It never closes the client.
 */
export function provideSignalClient(client: AnyClient): void {
  setContext(KEY, client)
}

/** Returns the provided client, if there is one. SignalRegistry types it, whatever its own map is. */
export function providedClient<Client>(): Client | undefined {
  return getContext(KEY)
}
