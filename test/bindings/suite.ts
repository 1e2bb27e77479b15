import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type AnySignals,
  createSignalClient,
  getPageClient,
  type SendResult,
  type SignalClient,
  type SignalError,
  type SignalHandler,
} from '../../src/index.js'
import type { UseSendSignalOptions, UseSignalOptions, UseSignalStatusOptions } from '../../src/bindings/options.js'
import type { RefreshAction, RefreshOptions } from '../../src/refresh/index.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'

interface Mounted {
  /** The state that the component shows. */
  text(): string
  unmount(): void
}

/** A framework, as far as these tests need it. What `useSignalStatus` returned, a mounted component shows. */
export interface Binding {
  readonly useSignal: <Name extends string>(
    name: Name,
    handler: SignalHandler<AnySignals, Name>,
    options?: UseSignalOptions<Name, AnySignals>,
  ) => unknown
  readonly useRefresh: (name: string, action: RefreshAction, options?: RefreshOptions) => unknown
  readonly useSignalStatus: (options?: UseSignalStatusOptions) => unknown
  readonly useSendSignal: (options?: UseSendSignalOptions) => SignalClient['sendSignal']
  /** Mounts a component, below a provider if there is a client. */
  mount(use: () => unknown, provided?: SignalClient): Mounted
  /** Lets the framework finish what it was given to do. */
  act(work: () => unknown): Promise<void>
}

/** What every binding does, on a relay on mock-socket and on fake time. */
export function describeBinding(name: string, binding: Binding): void {
  const { useSignal, useRefresh, useSignalStatus, useSendSignal } = binding
  let relay: ReturnType<typeof startMockRelay>
  let client: SignalClient
  let errors: SignalError[]
  const mounted = new Set<Mounted>()

  function createClient(): SignalClient {
    return createSignalClient({ url: RELAY_URL, onError: (error) => errors.push(error) })
  }

  async function mount(use: () => unknown, provided?: SignalClient): Promise<Mounted> {
    let component: Mounted | undefined
    await act(() => {
      component = binding.mount(use, provided)
    })
    if (!component) throw new Error('Nothing was mounted.')
    mounted.add(component)
    return component
  }

  /** The framework answers the relay's answer to what the work does. */
  async function act(work: () => unknown): Promise<void> {
    for (const next of [work, pass, pass]) await binding.act(next)
  }

  const unmount = (component: Mounted): Promise<void> => {
    mounted.delete(component)
    return act(() => component.unmount())
  }

  describe(`the binding of ${name}`, () => {
    beforeEach(async () => {
      vi.useFakeTimers()
      // The longest wait before the next dial, so that there is time to look.
      vi.spyOn(Math, 'random').mockReturnValue(0.999)
      errors = []
      relay = startMockRelay()
      client = createClient()
      await pass()
    })

    afterEach(async () => {
      for (const component of mounted) await unmount(component)
      client.close()
      getPageClient()?.close()
      await pass()
      expect(vi.getTimerCount()).toBe(0)
      relay.stop()
      vi.useRealTimers()
    })

    it('gives a component the signals of a name while it is mounted, and leaves the room after', async () => {
      const heard: unknown[] = []
      const component = await mount(() => useSignal('A', (data) => heard.push(data)))
      await act(() => relay.deliver('A', { data: 1 }))
      await act(() => relay.deliver('B', { data: 2 }))
      await unmount(component)
      await act(() => relay.deliver('A', { data: 3 }))
      expect(heard).toEqual([1])
      expect(relay.sent('leave').at(-1)).toMatchObject({ room: 'main' })
    })

    it('takes the options of a receiver', async () => {
      const heard: unknown[] = []
      await mount(() =>
        useSignal('A', (data) => heard.push(data), { room: 'side', where: ({ data }) => data !== 2, once: true }),
      )
      for (const data of [1, 2, 3]) await act(() => relay.deliver('A', { room: data === 1 ? 'main' : 'side', data }))
      await act(() => relay.deliver('A', { room: 'side', data: 4 }))
      expect(heard).toEqual([3])
    })

    it('hears each signal once per component, and lets go of a hundred of them', async () => {
      const heard = vi.fn()
      const components = []
      for (let count = 0; count < 100; count += 1) components.push(await mount(() => useSignal('A', heard)))
      await act(() => relay.deliver('A'))
      expect(heard).toHaveBeenCalledTimes(100)
      const left = relay.sent('leave').length
      for (const component of components) await unmount(component)
      await act(() => relay.deliver('A'))
      expect(heard).toHaveBeenCalledTimes(100)
      expect(relay.sent('leave')).toHaveLength(left + 1)
    })

    it('keeps a handler that throws away from everybody else', async () => {
      const heard: unknown[] = []
      const component = await mount(() => {
        useSignal('A', () => {
          throw new Error('broken')
        })
        useSignal('A', (data) => heard.push(data))
        return useSignalStatus()
      })
      await act(() => relay.deliver('A', { data: 1 }))
      await act(() => relay.deliver('A', { data: 2 }))
      expect([heard, component.text()]).toEqual([[1, 2], 'online'])
      expect(errors.map(({ code }) => code)).toEqual(['handler-threw', 'handler-threw'])
    })

    it('calls no handler of a component that another handler has just unmounted', async () => {
      const heard = vi.fn()
      let second: Mounted | undefined
      await mount(() => useSignal('A', () => second?.unmount()))
      second = await mount(() => useSignal('A', heard))
      mounted.delete(second)
      await act(() => relay.deliver('A'))
      expect(heard).not.toHaveBeenCalled()
      expect(errors).toEqual([])
    })

    it('sends, and tells what became of it', async () => {
      const results: SendResult[] = []
      let send: SignalClient['sendSignal'] | undefined
      await mount(() => {
        send = useSendSignal()
      })
      await act(() => void send?.('A', { userId: 1 }).then((result) => results.push(result)))
      expect(relay.sent('signal')).toMatchObject([{ signal: 'A', data: { userId: 1 } }])
      expect(results).toMatchObject([{ outcome: 'accepted' }])
    })

    it('refreshes once for a burst while it is mounted, on a client that comes later too', async () => {
      const action = vi.fn()
      client.close()
      const component = await mount(() => useRefresh('A', action))
      await act(() => {
        client = createClient()
      })
      await act(() => relay.deliver('A'))
      await act(() => relay.deliver('A'))
      await act(() => pass(2000))
      expect(action).toHaveBeenCalledTimes(1)
      await unmount(component)
      await act(() => relay.deliver('A'))
      await act(() => pass(5000))
      expect(action).toHaveBeenCalledTimes(1)
    })

    it('aborts a refresh when it is unmounted in the middle, and forgets what waits', async () => {
      const aborted: boolean[] = []
      const action = vi.fn<RefreshAction>(({ signal }) => {
        signal.addEventListener('abort', () => aborted.push(signal.aborted))
        return new Promise(() => undefined)
      })
      const component = await mount(() => useRefresh('A', action, { onError: (error) => errors.push(error) }))
      await act(() => relay.deliver('A'))
      await act(() => pass(2000))
      await act(() => relay.deliver('A'))
      await unmount(component)
      await act(() => pass(5000))
      expect([action.mock.calls.length, aborted, errors]).toEqual([1, [true], []])
    })

    it('shows where the connection stands', async () => {
      const component = await mount(() => useSignalStatus())
      expect(component.text()).toBe('online')
      await act(() => relay.close(1012))
      expect(component.text()).toBe('waiting')
      await act(() => client.close())
      expect(component.text()).toBe('closed')
    })

    it('does not show a drop that is over within the grace, and leaves no timer when unmounted in the middle', async () => {
      const component = await mount(() => useSignalStatus({ grace: 60_000 }))
      await act(() => relay.close(1012))
      expect([component.text(), client.status.state]).toEqual(['online', 'waiting'])
      const timers = vi.getTimerCount()
      await unmount(component)
      expect(vi.getTimerCount()).toBe(timers - 1)
    })

    it('shows a drop that outlives the grace', async () => {
      const component = await mount(() => useSignalStatus({ grace: 100 }))
      relay.isAnswering = false
      await act(() => relay.close(1012))
      expect(component.text()).toBe('online')
      await act(() => pass(1000))
      expect(component.text()).not.toBe('online')
    })

    it('prefers the client of the provider to that of the page, and a given one to both', async () => {
      const calls: string[] = []
      const named = (called: string): SignalClient => ({
        ...client,
        status: { state: 'idle', since: 0 },
        onStatus: () => () => undefined,
        sendSignal: () => void calls.push(`${called} sends`) as never,
        receiveSignal: () => {
          calls.push(`${called} receives`)
          return () => undefined
        },
      })
      const provided = named('provided')
      const given = named('given')
      const use = (options?: { client: SignalClient }) => () => {
        useSignal('A', () => undefined, options)
        void useSendSignal(options)('A')
        return useSignalStatus(options)
      }
      expect((await mount(use(), provided)).text()).toBe('idle')
      expect(new Set(calls)).toEqual(new Set(['provided sends', 'provided receives']))
      calls.length = 0
      expect((await mount(use({ client: given }), provided)).text()).toBe('idle')
      expect(new Set(calls)).toEqual(new Set(['given sends', 'given receives']))
      expect((await mount(use())).text()).toBe('online')
    })

    it("waits for the page's client, and goes on with the next one after it", async () => {
      const heard: unknown[] = []
      client.close()
      const component = await mount(() => {
        useSignal('A', (data) => heard.push(data))
        return useSignalStatus()
      })
      expect(component.text()).toBe('idle')
      for (const data of [1, 2]) {
        await act(() => {
          client = createClient()
        })
        expect(component.text()).toBe('online')
        await act(() => relay.deliver('A', { data }))
        await act(() => client.close())
        expect(component.text()).toBe('closed')
      }
      expect(heard).toEqual([1, 2])
      await unmount(component)
      client = createClient()
      await pass()
      await act(() => relay.deliver('A', { data: 3 }))
      expect(heard).toEqual([1, 2])
    })

    it('says that there is no client to send with', async () => {
      client.close()
      let send: SignalClient['sendSignal'] | undefined
      await mount(() => {
        send = useSendSignal()
      })
      expect(() => send?.('A')).toThrow(expect.objectContaining({ code: 'no-client' }))
    })
  })
}
