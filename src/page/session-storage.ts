/** Leaves a note to the next page of the tab, if the browser lets it. */
export function leaveNote(key: string, note: object): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(note))
  } catch {
    // Full or denied: the next page does without.
  }
}

/** What the last page left; nothing where it cannot be read. */
export function readNote(key: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(sessionStorage.getItem(key) ?? 'null')) as Record<string, unknown>
  } catch {
    return {}
  }
}
