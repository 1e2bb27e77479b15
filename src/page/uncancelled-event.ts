import { call } from './dom.js'

/**
 * Calls `act` with each event of a type that nobody cancelled, and its path, when the handlers of the page are through with it:
 * at the top of the page, or, where one of them kept it from coming there, in the next task.
 */
export function onAct<Kind extends Event>(
  root: EventTarget,
  type: string,
  act: (event: Kind, path: EventTarget[]) => void,
  signal: AbortSignal,
): void {
  const onBegin = (event: Event): void => {
    const path = event.composedPath()
    const settle = (arrived?: Event): void => {
      // A handler may have made another one meanwhile.
      if (arrived && arrived !== event) return
      clearTimeout(timer)
      removeEventListener(type, settle)
      if (!event.defaultPrevented && !signal.aborted) act(event as Kind, path)
    }
    const timer = setTimeout(settle)
    addEventListener(type, settle)
  }
  call(root, 'addEventListener', type, onBegin, { capture: true, signal })
}
