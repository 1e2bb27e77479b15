import { framePath } from './frame-path.js'

/** Stores a value for the next page of this frame, if the browser allows it. */
export function writeSession(key: string, value: object): void {
  try {
    sessionStorage.setItem(key + framePath(), JSON.stringify(value))
  } catch {
    // Storage is full or denied: the next page starts without the value.
  }
}

/**
 * Removes and returns the value that the last page of this frame stored; undefined if there is none. Only the first page
 * gets it: a popup begins with a copy of the storage.
 */
export function takeSession(key: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = sessionStorage.getItem(key + framePath())
    sessionStorage.removeItem(key + framePath())
    return text === null ? undefined : (Object(JSON.parse(text)) as Record<string, unknown>)
  } catch {
    return undefined
  }
}
