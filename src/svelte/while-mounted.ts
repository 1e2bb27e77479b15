import { onMount } from 'svelte'
import type { Readable } from 'svelte/store'
import { followClient } from '../bindings/follow-client.js'
import type { Stop } from '../signals.js'
import { providedClient } from './context.js'

/**
 * Begins when the component is mounted, never on a server, and ends when it is destroyed. Begins again when the
 * options are a store that changes.
 */
export function whileMounted<Client extends object, Options extends { readonly client?: Client | undefined }>(
  options: Options | Readable<Options>,
  begin: (client: Client, options: Omit<Options, 'client'>) => Stop,
): void {
  const provided = providedClient<Client>()

  function start({ client = provided, ...rest }: Options): Stop {
    return followClient(client, (live) => begin(live, rest))
  }

  onMount(() => {
    if (!('subscribe' in options)) return start(options)
    let stop: Stop | undefined
    const unsubscribe = options.subscribe((present) => {
      stop?.()
      stop = start(present)
    })
    return () => {
      unsubscribe()
      stop?.()
    }
  })
}
