import { act, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createSignalClient, getPageClient, setPageClient, type SignalStatus } from '../../src/index.js'
import { SignalProvider, useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/react/index.js'
import { createFixtures } from '../bindings/fixtures.js'
import { type Binding, describeBinding } from '../bindings/suite.js'

beforeAll(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
})

const binding = (isStrict: boolean): Binding => ({
  useSignal,
  useRefresh,
  useSignalStatus,
  useSendSignal,
  mount(use, provided) {
    const place = document.createElement('div')
    const root = createRoot(place)
    const Component = (): ReactNode => (use() as SignalStatus | undefined)?.state
    const component = createElement(Component)
    const below = provided ? createElement(SignalProvider, { client: provided }, component) : component
    root.render(isStrict ? createElement(StrictMode, null, below) : below)
    return { text: () => place.textContent, unmount: () => root.unmount() }
  },
  act: (work) => act(async () => void (await work())),
})

describeBinding('React', binding(false))
describeBinding('React in StrictMode', binding(true))

describe('the hooks of React', () => {
  afterEach(() => getPageClient()?.close())

  it('call the handler and the predicate of the last render, on one registration', async () => {
    const { client, registrations, deliver } = createFixtures()
    const heard: string[] = []
    const Component = ({ name }: { name: string }): ReactNode => {
      useSignal('A', (data) => heard.push(`${name} ${String(data)}`))
      return null
    }
    const root = createRoot(document.createElement('div'))
    for (const [index, name] of ['first', 'second', 'third'].entries()) {
      await act(async () => root.render(createElement(Component, { name })))
      deliver(index)
    }
    expect([heard, registrations()]).toEqual([['first 0', 'second 1', 'third 2'], 1])
    const [, , options] = vi.mocked(client.receiveSignal).mock.calls[0] ?? []
    expect(options?.where?.({} as never)).toBe(true)
    await act(async () => root.unmount())
  })

  it('follow a room, a name and a client that change', async () => {
    const [one, two] = [createFixtures(), createFixtures()]
    const Component = ({ room }: { room: string }): ReactNode => {
      useSignal('A', () => undefined, { room })
      return null
    }
    const root = createRoot(document.createElement('div'))
    const render = (client: typeof one.client, room: string): Promise<void> =>
      act(async () => root.render(createElement(SignalProvider, { client }, createElement(Component, { room }))))
    await render(one.client, 'a')
    await render(one.client, 'b')
    expect([one.rooms(), two.rooms()]).toEqual([['b'], []])
    await render(two.client, 'b')
    expect([one.rooms(), two.rooms()]).toEqual([[], ['b']])
    await act(async () => root.unmount())
    expect(two.rooms()).toEqual([])
  })

  it('give the same function to send with at every render', async () => {
    createFixtures()
    const seen = new Set<unknown>()
    const Component = (): ReactNode => {
      seen.add(useSendSignal())
      return null
    }
    const root = createRoot(document.createElement('div'))
    for (const key of [1, 1, 2]) await act(async () => root.render(createElement(Component, { key })))
    expect(seen.size).toBe(1)
    await act(async () => root.unmount())
  })

  it('refresh with the action, the predicate and the guard of the last render, on one registration', async () => {
    const { registrations, deliver } = createFixtures()
    vi.useFakeTimers()
    const did: string[] = []
    const Component = ({ name, isEdited }: { name: string; isEdited: boolean }): ReactNode => {
      useRefresh(['A', 'B'], () => did.push(name), { where: () => name !== 'first', guard: () => isEdited })
      return null
    }
    const root = createRoot(document.createElement('div'))
    const render = (name: string, isEdited: boolean): Promise<void> =>
      act(async () => root.render(createElement(Component, { name, isEdited })))
    await render('first', false)
    deliver(1)
    await vi.advanceTimersByTimeAsync(5000)
    await render('second', false)
    deliver(2)
    await vi.advanceTimersByTimeAsync(5000)
    await render('third', true)
    deliver(3)
    await vi.advanceTimersByTimeAsync(5000)
    expect([did, registrations()]).toEqual([['second'], 2])
    await act(async () => root.unmount())
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('owe a refresh that waits when the indicator changes, and run it once', async () => {
    const { deliver } = createFixtures()
    vi.useFakeTimers()
    const load = vi.fn<() => void>()
    const Component = ({ indicator }: { indicator: Element | false }): ReactNode => {
      useRefresh('A', load, { indicator })
      return null
    }
    const root = createRoot(document.createElement('div'))
    await act(async () => root.render(createElement(Component, { indicator: false })))
    deliver(1)
    await act(async () => root.render(createElement(Component, { indicator: document.createElement('p') })))
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    deliver(2)
    await act(async () => root.unmount())
    await vi.advanceTimersByTimeAsync(5000)
    expect(load).toHaveBeenCalledTimes(1)
    vi.useRealTimers()
  })

  it('show what the server did first, and then the connection, when they take its page over', async () => {
    const complaints = vi.spyOn(console, 'error')
    const Component = (): ReactNode => createElement('p', null, useSignalStatus().state)
    const place = document.createElement('div')
    place.innerHTML = renderToString(createElement(Component))
    expect(place.textContent).toBe('idle')
    const client = createSignalClient({ url: 'ws://relay.test/', connect: 'manual' })
    client.close()
    setPageClient(client)
    const root = await act(async () => hydrateRoot(place, createElement(Component)))
    expect([place.textContent, complaints.mock.calls]).toEqual(['closed', []])
    await act(async () => root.unmount())
    setPageClient(undefined)
  })
})
