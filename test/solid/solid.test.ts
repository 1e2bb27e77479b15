import { type Accessor, createComponent, createRenderEffect, createRoot, createSignal } from 'solid-js'
import { render } from 'solid-js/web'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { getPageClient, type SignalStatus } from '../../src/index.js'
import { SignalProvider, useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/solid/index.js'
import { createFixtures } from '../bindings/fixtures.js'
import { describeBinding } from '../bindings/suite.js'

describeBinding('Solid', {
  useSignal,
  useRefresh,
  useSignalStatus,
  useSendSignal,
  mount(use, provided) {
    const place = document.createElement('div')
    const Component = (): Text => {
      const status = use() as Accessor<SignalStatus> | undefined
      const text = document.createTextNode('')
      createRenderEffect(() => {
        text.data = status?.().state ?? ''
      })
      return text
    }
    const unmount = render(() => {
      if (!provided) return createComponent(Component, {})
      return createComponent(SignalProvider, {
        client: provided,
        get children() {
          return createComponent(Component, {})
        },
      })
    }, place)
    return { text: () => place.textContent, unmount }
  },
  act: async (work) => void (await work()),
})

describe('the hooks of Solid', () => {
  afterEach(() => getPageClient()?.close())

  it('follow options that are accessors, and end with their owner', () => {
    const { registrations, rooms } = createFixtures()
    const [room, setRoom] = createSignal('a')
    const dispose = createRoot((end) => {
      useSignal(
        'A',
        () => undefined,
        () => ({ room: room() }),
      )
      return end
    })
    setRoom('b')
    expect([rooms(), registrations()]).toEqual([['b'], 2])
    dispose()
    expect(rooms()).toEqual([])
  })

  it('owe a refresh that waits when the options change, and run it once', async () => {
    const { deliver } = createFixtures()
    vi.useFakeTimers()
    const load = vi.fn<() => void>()
    const [wait, setWait] = createSignal(150)
    const dispose = createRoot((end) => {
      useRefresh('A', load, () => ({ wait: wait() }))
      return end
    })
    deliver(1)
    setWait(200)
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    deliver(2)
    dispose()
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    vi.useRealTimers()
  })

  it('go over to another client of the provider', () => {
    const [one, two] = [createFixtures(), createFixtures()]
    const [client, setClient] = createSignal(one.client)
    const dispose = render(
      () =>
        createComponent(SignalProvider, {
          get client() {
            return client()
          },
          get children() {
            return createComponent(() => (useSignal('A', () => undefined), null), {})
          },
        }),
      document.createElement('div'),
    )
    expect([one.rooms(), two.rooms()]).toEqual([['main'], []])
    setClient(two.client)
    expect([one.rooms(), two.rooms()]).toEqual([[], ['main']])
    dispose()
    expect(two.rooms()).toEqual([])
    two.client.close()
  })
})
