import { createElement } from 'react'
import type { Accessor } from 'solid-js'
import type { Readable } from 'svelte/store'
import { readable } from 'svelte/store'
import { describe, expectTypeOf, it } from 'vitest'
import type { ShallowRef } from 'vue'
import { ref } from 'vue'
import type { JsonValue, SendResult, Signal, SignalClient, SignalStatus, Stop } from '../../src/index.js'
import * as react from '../../src/react/index.js'
import * as solid from '../../src/solid/index.js'
import * as svelte from '../../src/svelte/index.js'
import * as vue from '../../src/vue/index.js'

interface Sent {
  ReportIncome: { userId: number; at: string }
  RefreshDashboard: void
}

interface Received {
  ReportIncome: { userId: number; at: Date }
  RefreshDashboard: void
}

declare const client: SignalClient<Sent, Received>
const bindings = [react, solid, svelte, vue] as const

describe('a binding that is given a client', () => {
  it('gives handlers and predicates what the client of this map receives', () => {
    for (const { useSignal } of bindings) {
      useSignal(
        'ReportIncome',
        (data, signal) => {
          expectTypeOf(data).toEqualTypeOf<Received['ReportIncome']>()
          expectTypeOf(signal).toEqualTypeOf<Signal<'ReportIncome', Received['ReportIncome']>>()
        },
        { client, room: 'team:7', where: (signal) => signal.data.at.getFullYear() > 2000 },
      )
      useSignal('*', (_data, { name }) => expectTypeOf(name).toEqualTypeOf<keyof Received>(), { client })
      // @ts-expect-error: the name is not in the map
      useSignal('ReportIncom', () => undefined, { client })
      // @ts-expect-error: there is no such option
      useSignal('ReportIncome', () => undefined, { filter: () => true })
    }
  })

  it('refreshes on the names of the map', () => {
    for (const { useRefresh } of bindings) {
      useRefresh(
        ['ReportIncome', 'RefreshDashboard'],
        async ({ signal }) => expectTypeOf(signal).toEqualTypeOf<AbortSignal>(),
        {
          client,
          wait: 300,
        },
      )
      // @ts-expect-error: the name is not in the map
      useRefresh('ReportIncom', () => undefined, { client })
      // @ts-expect-error: there is no such option
      useRefresh('ReportIncome', () => undefined, { delay: 300 })
    }
  })

  it('sends what the map says', () => {
    for (const { useSendSignal } of bindings) {
      const sendSignal = useSendSignal({ client })
      expectTypeOf(sendSignal('ReportIncome', { userId: 1, at: '2026-01-01' })).resolves.toEqualTypeOf<SendResult>()
      void sendSignal('RefreshDashboard')
      // @ts-expect-error: the data is of the wrong type
      void sendSignal('ReportIncome', { userId: 1, at: new Date() })
      // @ts-expect-error: the data is required
      void sendSignal('ReportIncome')
      // @ts-expect-error: the name is not in the map
      void sendSignal('ReportIncom')
    }
  })
})

describe('a binding that is given no client', () => {
  it('goes by the registry, which is empty here: any name, and any JSON value', () => {
    for (const { useSignal, useSendSignal } of bindings) {
      useSignal('Anything', (data) => expectTypeOf(data).toEqualTypeOf<JsonValue | undefined>())
      void useSendSignal()('Anything', { userId: 1 })
      // @ts-expect-error: JSON has no form for it
      void useSendSignal()('Anything', 1n)
    }
  })

  it("gives the status in the framework's own form", () => {
    expectTypeOf(react.useSignalStatus({ grace: 1500, client })).toEqualTypeOf<SignalStatus>()
    expectTypeOf(solid.useSignalStatus({ grace: 1500, client })).toEqualTypeOf<Accessor<SignalStatus>>()
    expectTypeOf(svelte.useSignalStatus({ grace: 1500, client })).toEqualTypeOf<Readable<SignalStatus>>()
    expectTypeOf(vue.useSignalStatus({ grace: 1500, client })).toEqualTypeOf<Readonly<ShallowRef<SignalStatus>>>()
    // @ts-expect-error: milliseconds are a number
    react.useSignalStatus({ grace: '1500' })
  })

  it("takes changing options in the framework's own form", () => {
    const room = ref('a')
    expectTypeOf(
      vue.useSignal(
        ref('A'),
        () => undefined,
        () => ({ room: room.value }),
      ),
    ).toEqualTypeOf<Stop>()
    solid.useSignal(
      'A',
      () => undefined,
      () => ({ room: 'a' }),
    )
    svelte.useSignal('A', () => undefined, readable({ room: 'a' }))
    vue.useRefresh(
      () => ['A', 'B'] as const,
      () => undefined,
    )
    const numbered = () => ({ room: 7 })
    // @ts-expect-error: a room is text
    solid.useSignal('A', () => undefined, numbered)
  })

  it('is provided with a client of any map', () => {
    createElement(react.SignalProvider, { client }, 'text')
    solid.SignalProvider({ client })
    svelte.provideSignalClient(client)
    vue.provideSignalClient(client)
    vue.createSignalPlugin(client)
    // @ts-expect-error: not a client
    vue.createSignalPlugin({ url: '/signals' })
  })
})
