import { isHidden } from '../connection/lifecycle.js'
import { noteHandled, wasHandled } from './handled-signals.js'

/** How much later a hidden tab asks, so that a tab that is seen comes first (ms). */
const HIDDEN_DELAY = 300

/**
 * Wraps a handler, so that one tab of the browser handles each signal: for a notification, a sound or a download. A tab that
 * is seen comes first. If the tab closes before the handler has returned, or its promise is settled, another tab takes the
 * signal; a handler that throws has handled it. As for any receiver, the next page of the same tab does not repeat it. Every tab that may handle it receives the signal with the same key.
 *
 * Without Web Locks, as on http pages, each tab handles each signal.
 *
 * @param key Tells handlers apart that receive the same signal, such as `'sound'` and `'notification'`.
 */
export function oncePerBrowser<Data, Received extends { readonly id: string }>(
  key: string,
  handler: (data: Data, signal: Received) => unknown,
): (data: Data, signal: Received) => Promise<void> {
  return async (data, signal) => {
    const locks = globalThis.navigator?.locks
    if (!locks) return void (await handler(data, signal))
    if (isHidden()) await new Promise((resolve) => setTimeout(resolve, HIDDEN_DELAY))
    const name = `signalpost ${key} ${signal.id}`
    await locks.request(name, async () => {
      if (await wasHandled(name)) return
      try {
        await handler(data, signal)
      } finally {
        await noteHandled(name)
      }
    })
  }
}
