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

/** Begins another page in the same tab: the clock of a page counts from its own navigation. */
export function turnPage(): void {
  const timeOrigin = (performance.timeOrigin || 1_000_000) + 1
  Object.defineProperty(performance, 'timeOrigin', { configurable: true, value: timeOrigin })
}
