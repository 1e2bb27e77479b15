import type { JsonValue, Sender } from '../../../src/protocol/frames.js'

/** The fields that are known before the log adds the offset and the time. */
interface NewSignal {
  readonly id: string
  readonly signal: string
  readonly data?: JsonValue | undefined
  readonly room: string
  readonly sender: Sender | Record<string, never>
  readonly exclude?: string | undefined
}

/** Returns the JSON of a signal's frame without `offset`, `at` and the last brace. */
export function signalPrefix({ id, signal, data, room, sender, exclude }: NewSignal): string {
  return JSON.stringify({ type: 'signal', id, signal, data, room, sender, exclude }).slice(0, -1)
}
