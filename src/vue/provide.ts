import { hasInjectionContext, inject, type Plugin, provide } from 'vue'
import type { AnyClient } from '../bindings/options.js'

// A name, not a symbol: it stays the same when a development server loads this module again.
const KEY = 'signalpost:client'

/**
 * A plugin that gives all components of an application a client of their own: `app.use(createSignalPlugin(client))`.
 * Without it they use the page's client, so most applications need none. It never closes the client.
 */
export function createSignalPlugin(client: AnyClient): Plugin {
  return { install: (app) => void app.provide(KEY, client) }
}

/** Gives the components below the one that calls it in its `setup` a client of their own. */
export function provideSignalClient(client: AnyClient): void {
  provide(KEY, client)
}

/** Returns the provided client, if there is one. SignalRegistry types it, whatever its own map is. */
export function providedClient<Client>(): Client | undefined {
  return hasInjectionContext() ? inject<Client | undefined>(KEY, undefined) : undefined
}
