import * as Vue from 'vue'
import { followClient } from '../bindings/follow-client.js'
import type { Stop } from '../signals.js'
import { providedClient } from './provide.js'

/**
 * Begins when the component is mounted, never on a server, and ends with its scope. Begins again when something
 * reactive that the options or `begin` read has changed.
 */
export function whileMounted<Client extends object, Options extends { readonly client?: Client | undefined }>(
  options: Vue.MaybeRefOrGetter<Options>,
  begin: (client: Client, options: Omit<Options, 'client'>) => Stop,
): Stop {
  const provided = providedClient<Client>()
  // Not every Vue 3.5 leaves effects alone when it renders on a server.
  if (!globalThis.document) return () => undefined
  return Vue.watchPostEffect((onCleanup) => {
    const { client = provided, ...rest } = Vue.toValue(options)
    onCleanup(followClient(client, (live) => begin(live, rest)))
  })
}
