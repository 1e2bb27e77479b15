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

/** Runs a function in a later task, or before the page handles the first interaction of its user. */
export function runBeforeInteraction(run: () => void): void {
  const controller = new AbortController()
  const runOnce = (): void => {
    if (controller.signal.aborted) return
    controller.abort()
    run()
  }
  for (const type of INTERACTIONS) addEventListener(type, runOnce, { capture: true, signal: controller.signal })
  runInTask(runOnce)
}
