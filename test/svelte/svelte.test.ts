import { flushSync, mount, tick, unmount } from 'svelte'
import { writable } from 'svelte/store'
import { afterEach, describe, expect, it } from 'vitest'
import { getPageClient } from '../../src/index.js'
import { useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/svelte/index.js'
import { createScene } from '../bindings/scene.js'
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
    const { registrations, rooms } = createScene()
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
})
