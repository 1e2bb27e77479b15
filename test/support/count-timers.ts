import { vi } from 'vitest'

/** The timers of the client, and not those of the server beside it. */
const OWN = /\/src\//

/** Counts the timers of the client that fire from now on. It needs fake timers, whose end ends the counting as well. */
export function countTimers(): () => number {
  let fired = 0
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const start = globalThis[name].bind(globalThis)
    vi.spyOn(globalThis, name).mockImplementation(((callback: (...args: unknown[]) => void, ...rest: never[]) => {
      const isOwn = OWN.test(new Error('the caller').stack ?? '')
      const counted = (...args: unknown[]): void => {
        if (isOwn) fired += 1
        callback(...args)
      }
      return start(counted, ...rest)
    }) as never)
  }
  return () => fired
}
