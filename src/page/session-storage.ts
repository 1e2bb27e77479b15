/** Stores a value for the next page of the tab, if the browser allows it. */
export function writeSession(key: string, value: object): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(value))
  } catch {
    // Storage is full or denied: the next page starts without the value.
  }
}

/** The value that the last page stored; an empty object if it cannot be read. */
export function readSession(key: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(sessionStorage.getItem(key) ?? 'null')) as Record<string, unknown>
  } catch {
    return {}
  }
}
