import { setMaxListeners } from 'node:events'

type Grant = (lock: { readonly name: string } | null) => unknown

interface Request {
  readonly grant: Grant
  readonly settle: (result: unknown) => void
  readonly fail: (error: unknown) => void
}

/** Web Locks for tests in Node: exclusive ones, with `signal` and `steal`, as far as the package uses them. */
export function createFakeLocks() {
  const held = new Map<string, Request>()
  const queues = new Map<string, Request[]>()
  const untold: (() => void)[] = []
  let isTheftSecret = false

  function queueOf(name: string): Request[] {
    const queue = queues.get(name) ?? []
    queues.set(name, queue)
    return queue
  }

  function grantNext(name: string): void {
    const next = held.has(name) ? undefined : queueOf(name).shift()
    if (!next) return
    held.set(name, next)
    queueMicrotask(async () => {
      try {
        next.settle(await next.grant({ name }))
      } catch (error) {
        next.fail(error)
      }
      if (held.get(name) !== next) return
      held.delete(name)
      grantNext(name)
    })
  }

  function request(name: string, ...rest: readonly [Grant] | readonly [LockOptions, Grant]): Promise<unknown> {
    const [options, grant] = rest.length === 1 ? [{}, rest[0]] : rest
    return new Promise((settle, fail) => {
      const own = { grant, settle, fail }
      const { signal } = options
      if (signal?.aborted) return fail(signal.reason)
      // Browsers have no limit: a hub waits for the lock of each page.
      if (signal) setMaxListeners(0, signal)
      signal?.addEventListener('abort', () => {
        const queue = queueOf(name)
        const at = queue.indexOf(own)
        if (at < 0) return
        queue.splice(at, 1)
        fail(signal.reason)
      })
      if (options.steal) {
        const robbed = held.get(name)
        untold.push(() => robbed?.fail(new DOMException('The lock was stolen', 'AbortError')))
        if (!isTheftSecret) tellOfThefts()
        held.delete(name)
        queueOf(name).unshift(own)
      } else queueOf(name).push(own)
      grantNext(name)
    })
  }

  function tellOfThefts(): void {
    isTheftSecret = false
    for (const tell of untold.splice(0)) tell()
  }

  return {
    request,
    /** The names of the locks that somebody holds. */
    held: () => [...held.keys()],
    /** Releases a lock, as when the page of its holder is gone. */
    release(name: string) {
      held.delete(name)
      grantNext(name)
    },
    /** A tab that hangs does not learn that its lock was stolen, until `tellOfThefts`. */
    keepThefts: () => void (isTheftSecret = true),
    tellOfThefts,
  }
}
