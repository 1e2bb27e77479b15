import { getPageClient, onPageClient } from '../page-client.js'
import type { Stop } from '../signals.js'

/**
 * Begins on the given client. Without one, begins on the page's, as soon as there is one, and again on each that
 * takes its place: a component may be mounted before the client is made, and outlive it.
 */
export function followClient<Client>(given: Client | undefined, begin: (client: Client) => Stop): Stop {
  if (given) return begin(given)
  let stop: Stop | undefined

  function follow(): void {
    stop?.()
    // Where no client is given, the registry types it, and the page's is of the registry.
    const client = getPageClient() as Client | undefined
    stop = client && begin(client)
  }

  follow()
  const unfollow = onPageClient(follow)
  return () => {
    unfollow()
    stop?.()
  }
}
