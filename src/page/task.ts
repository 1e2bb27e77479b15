import { read } from './dom.js'

/** Runs a function in a later task. Browsers delay the timers of hidden tabs by a second, but no messages. */
export function runInTask(run: () => void): void {
  // Test environments lack messages.
  if (!globalThis.MessageChannel) return void setTimeout(run)
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    run()
  }
  port2.postMessage(0)
}

/** The first events of an interaction, and those that scripts of the page cause without one. */
const INTERACTIONS = ['pointerdown', 'keydown', 'focusin', 'input', 'click', 'submit', 'formdata']

/**
 * Runs a function when the page is parsed, or before the page handles the first interaction of its user. Returns a function
 * that runs it earlier.
 */
export function runWhenParsed(run: () => void): () => void {
  const controller = new AbortController()
  const { signal } = controller
  const runOnce = (): void => {
    if (signal.aborted) return
    controller.abort()
    run()
  }
  // The handlers of the page for this event come first.
  const runNext = (): void => runInTask(runOnce)
  for (const type of INTERACTIONS) addEventListener(type, runOnce, { capture: true, signal })
  if (read(document, 'readyState') === 'loading') addEventListener('DOMContentLoaded', runNext, { signal })
  else runNext()
  return runOnce
}
