import { REMEMBERED_IDS } from './limits.js'

/** Returns a function that remembers each id, and returns whether it is new. An empty id is always new. */
export function createSeenIds(): (id: string) => boolean {
  // Two generations of ids: dropping the older one as a whole is cheaper than evicting one by one.
  let seen = new Set<string>()
  let seenBefore = seen

  return (id) => {
    if (id === '') return true
    if (seen.has(id) || seenBefore.has(id)) return false
    seen.add(id)
    if (seen.size >= REMEMBERED_IDS) {
      seenBefore = seen
      seen = new Set()
    }
    return true
  }
}
