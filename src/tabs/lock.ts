/** Holds a lock until the signal is aborted. Others ask for it, and get it when its holder is gone. Resolves when it is held. */
export function holdLock(name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    function hold(): Promise<void> {
      resolve()
      return untilAborted(signal)
    }
    navigator.locks.request(name, { signal }, hold).catch(() => undefined)
  })
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}
