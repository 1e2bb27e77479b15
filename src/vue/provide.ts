import * as Vue from 'vue'
import type { AnyClient } from '../bindings/options.js'

// A name, not a symbol: it stays the same when a development server loads this module again.
const KEY = 'signalpost:client'

/**
 * A plugin that gives all components of an application a client of their own: `app.use(createSignalPlugin(client))`.
 * Without it they use the page's client, so most applications need none. It never closes the client.
 */
export function createSignalPlugin(client: AnyClient): Vue.Plugin {
  return { install: (app) => void app.provide(KEY, client) }
}

/** Gives the components below the one that calls it in its `setup` a client of their own. */
export function provideSignalClient(client: AnyClient): void {
  Vue.provide(KEY, client)
}

/** Returns the provided client, if there is one. SignalRegistry types it, whatever its own map is. */
export function providedClient<Client>(): Client | undefined {
  // As members of the namespace: bundlers refuse named imports that an older Vue lacks.
  if (!(Vue.hasInjectionContext as unknown))
    throw new Error(`signalpost/vue needs Vue 3.5 or later, not ${Vue.version}.`)
  return Vue.hasInjectionContext() ? Vue.inject<Client | undefined>(KEY, undefined) : undefined
}
