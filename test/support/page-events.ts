import { vi } from 'vitest'

/** Makes the browser tell the page of something. */
export function happen(type: string, more: object = {}, target: EventTarget = window): void {
  target.dispatchEvent(Object.assign(new Event(type), more))
}

/** Puts another tab in front of the page's, or takes it away again. */
export function hide(isHidden: boolean): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(isHidden ? 'hidden' : 'visible')
  happen('visibilitychange', {}, document)
}
