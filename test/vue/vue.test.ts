import { type App, createApp, createSSRApp, effectScope, h, isRef, nextTick, ref } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createSignalClient, getPageClient, setPageClient, type SignalStatus } from '../../src/index.js'
import {
  createSignalPlugin,
  provideSignalClient,
  useRefresh,
  useSendSignal,
  useSignal,
  useSignalStatus,
} from '../../src/vue/index.js'
import { createFixtures } from '../bindings/fixtures.js'
import { describeBinding } from '../bindings/suite.js'

beforeAll(() => {
  // Vue's development build sets a timer for its tools at the first mount.
  createApp(() => null).mount(document.createElement('div'))
})

describeBinding('Vue', {
  useSignal,
  useRefresh,
  useSignalStatus,
  useSendSignal,
  mount(use, provided) {
    const place = document.createElement('div')
    const app = createApp({
      setup() {
        const shown = use()
        return () => h('p', isRef<SignalStatus>(shown) ? shown.value.state : '')
      },
    })
    if (provided) app.use(createSignalPlugin(provided))
    app.mount(place)
    return { text: () => place.textContent, unmount: () => app.unmount() }
  },
  async act(work) {
    await work()
    await nextTick()
  },
})

describe('the composables of Vue', () => {
  afterEach(() => getPageClient()?.close())

  it('follow names and options that are refs or getters, and end with their scope', async () => {
    const { registrations, rooms, client } = createFixtures()
    const room = ref('a')
    const name = ref('A')
    const scope = effectScope()
    scope.run(() =>
      useSignal(
        name,
        () => undefined,
        () => ({ room: room.value }),
      ),
    )
    await nextTick()
    room.value = 'b'
    name.value = 'B'
    await nextTick()
    expect([rooms(), registrations()]).toEqual([['b'], 2])
    expect(vi.mocked(client.receiveSignal).mock.calls.map(([name]) => name)).toEqual(['A', 'B'])
    scope.stop()
    expect(rooms()).toEqual([])
  })

  it('owe a refresh that waits when the options change, and run it once', async () => {
    const { deliver } = createFixtures()
    vi.useFakeTimers()
    const load = vi.fn<() => void>()
    const wait = ref(150)
    const scope = effectScope()
    scope.run(() => useRefresh('A', load, () => ({ wait: wait.value })))
    await nextTick()
    deliver(1)
    wait.value = 200
    await nextTick()
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    deliver(2)
    scope.stop()
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    vi.useRealTimers()
  })

  it('end before they began in a scope that stops at once, and with the function that they return', async () => {
    const { rooms } = createFixtures()
    const scope = effectScope()
    scope.run(() => useSignal('A', () => undefined))
    scope.stop()
    await nextTick()
    expect(rooms()).toEqual([])
    const stop = useSignal('A', () => undefined)
    await nextTick()
    expect(rooms()).toEqual(['main'])
    stop()
    stop()
    expect(rooms()).toEqual([])
  })

  it('use what a component above provides', async () => {
    const { client, rooms } = createFixtures()
    setPageClient(undefined)
    const Child = (): null => null
    const app = createApp({
      setup() {
        provideSignalClient(client)
        return () => h({ setup: () => (useSignal('A', () => undefined), Child) })
      },
    })
    app.mount(document.createElement('div'))
    await nextTick()
    expect(rooms()).toEqual(['main'])
    app.unmount()
    expect(rooms()).toEqual([])
    client.close()
  })

  it('show what the server did first, and then the connection, when they take its page over', async () => {
    const complaints = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')]
    const create = (): App =>
      createSSRApp({
        setup() {
          const status = useSignalStatus()
          return () => h('p', status.value.state)
        },
      })
    const place = document.createElement('div')
    place.innerHTML = await renderToString(create())
    expect(place.textContent).toBe('idle')
    const client = createSignalClient({ url: 'ws://relay.test/', connect: 'manual' })
    client.close()
    setPageClient(client)
    const app = create()
    app.mount(place)
    await nextTick()
    expect([place.textContent, complaints.flatMap(({ mock }) => mock.calls)]).toEqual(['closed', []])
    app.unmount()
    setPageClient(undefined)
  })
})
