import { getPageClient, onPageClient } from '../page-client.js'
import type { Stop } from '../signals.js'

/** How long a page may go without a client (ms), before the console says so. */
const HINT_AFTER = 5000

/** Whether the console has said it: a page may have many hooks. */
let hasWarned = false

/**
 * Calls `begin` with the given client. Without one, calls it with the page's client, and again whenever that changes: a
 * component may be mounted before the client is created, and outlive it.
 */
export function followClient<Client>(given: Client | undefined, begin: (client: Client) => Stop): Stop {
  if (given) return begin(given)
  let stop: Stop | undefined
  const hint = setTimeout(warnOnce, HINT_AFTER)

  function follow(): void {
    stop?.()
    // Without a given client, SignalRegistry types the call, as it types the page's client.
    const client = getPageClient() as Client | undefined
    stop = client && begin(client)
    if (stop) clearTimeout(hint)
  }

  follow()
  const unfollow = onPageClient(follow)
  return () => {
    clearTimeout(hint)
    unfollow()
    stop?.()
  }
}

function warnOnce(): void {
  if (!hasWarned) console.warn('A hook waits for a client: call createSignalClient() in the browser.')
  hasWarned = true
}
