import { call } from './dom.js'
import { keepListening } from './keep-listening.js'

/**
 * Calls `listener` with each event that was not cancelled, and its path, after the handlers of the page have run. That is
 * when the event reaches the window or, if a handler stopped it, in the next task.
 */
export function onUncancelled<Kind extends Event>(
  root: EventTarget,
  type: string,
  listener: (event: Kind, path: EventTarget[]) => void,
  signal: AbortSignal,
): void {
  const onCapture = (event: Event): void => {
    const path = event.composedPath()
    const finish = (arrived?: Event): void => {
      // A handler may have dispatched another event of this type.
      if (arrived && arrived !== event) return
      clearTimeout(timer)
      removeEventListener(type, finish)
      if (!event.defaultPrevented && !signal.aborted) listener(event as Kind, path)
    }
    const timer = setTimeout(finish)
    addEventListener(type, finish)
  }
  keepListening(() => call(root, 'addEventListener', type, onCapture, { capture: true, signal }), signal)
}
