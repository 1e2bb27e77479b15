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

  function request(name: string, options: LockOptions, grant: Grant): Promise<unknown> {
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
        held.get(name)?.fail(new DOMException('The lock was stolen', 'AbortError'))
        held.delete(name)
        queueOf(name).unshift(own)
      } else queueOf(name).push(own)
      grantNext(name)
    })
  }

  return { request }
}
