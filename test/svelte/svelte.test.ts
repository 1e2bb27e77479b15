import { flushSync, mount, tick, unmount } from 'svelte'
import { writable } from 'svelte/store'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { getPageClient } from '../../src/index.js'
import { useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/svelte/index.js'
import { createFixtures } from '../bindings/fixtures.js'
import { describeBinding } from '../bindings/suite.js'
import Provider from './Provider.svelte'

describeBinding('Svelte', {
  useSignal,
  useRefresh,
  useSignalStatus,
  useSendSignal,
  mount(use, provided) {
    const place = document.createElement('div')
    const component = mount(Provider, { target: place, props: { use, client: provided } })
    flushSync()
    return { text: () => place.textContent.trim(), unmount: () => void unmount(component) }
  },
  async act(work) {
    await work()
    await tick()
  },
})

describe('the functions of Svelte', () => {
  afterEach(() => getPageClient()?.close())

  it('follow options that are a store, and end with the component', async () => {
    const { registrations, rooms } = createFixtures()
    const options = writable({ room: 'a' })
    const use = (): void => useSignal('A', () => undefined, options)
    const component = mount(Provider, { target: document.createElement('div'), props: { use } })
    flushSync()
    options.set({ room: 'b' })
    expect([rooms(), registrations()]).toEqual([['b'], 2])
    await unmount(component)
    options.set({ room: 'c' })
    expect([rooms(), registrations()]).toEqual([[], 2])
  })

  it('owe a refresh that waits when the options change, and run it once', async () => {
    const { deliver } = createFixtures()
    vi.useFakeTimers()
    const load = vi.fn<() => void>()
    const options = writable({ wait: 150 })
    const use = (): void => useRefresh('A', load, options)
    const component = mount(Provider, { target: document.createElement('div'), props: { use } })
    flushSync()
    deliver(1)
    options.set({ wait: 200 })
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    deliver(2)
    await unmount(component)
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    vi.useRealTimers()
  })
})
