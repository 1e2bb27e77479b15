import { getPageClient, onPageClient } from '../page-client.js'
import type { Stop } from '../signals.js'

/**
 * Calls `begin` with the given client. Without one, calls it with the page's client, and again whenever that changes: a
 * component may be mounted before the client is created, and outlive it.
 */
export function followClient<Client>(given: Client | undefined, begin: (client: Client) => Stop): Stop {
  if (given) return begin(given)
  let stop: Stop | undefined

  function follow(): void {
    stop?.()
    // Without a given client, SignalRegistry types the call, as it types the page's client.
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
