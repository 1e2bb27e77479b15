import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  createSignalClient,
  defineSignals,
  type Gap,
  type JsonValue,
  nextSignal,
  type SendResult,
  type Signal,
  type SignalClient,
  signalStream,
  type SignalStatus,
  type StandardSchema,
  type Stop,
} from '../../src/index.js'

interface Signals {
  ReportIncome: { userId: number }
  RefreshDashboard: void
  Note: string | undefined
}

declare const client: SignalClient<Signals>
declare const loose: SignalClient

describe('a client with a map of signals', () => {
  it('takes the data of the map, and nothing else', () => {
    expectTypeOf(client.sendSignal('ReportIncome', { userId: 1 })).resolves.toEqualTypeOf<SendResult>()
    // @ts-expect-error: the data is of the wrong type
    void client.sendSignal('ReportIncome', { userId: '1' })
    // @ts-expect-error: the data is required
    void client.sendSignal('ReportIncome')
    // @ts-expect-error: the name is not in the map
    void client.sendSignal('ReportIncom', { userId: 1 })
    // @ts-expect-error: nobody can send the wildcard
    void client.sendSignal('*')
  })

  it('needs no data where the map says void or undefined', () => {
    void client.sendSignal('RefreshDashboard')
    void client.sendSignal('RefreshDashboard', undefined, { key: 'x' })
    void client.sendSignal('Note')
    void client.sendSignal('Note', 'text')
    // @ts-expect-error: void means no data
    void client.sendSignal('RefreshDashboard', { userId: 1 })
  })

  it('gives handlers the data of the map', () => {
    const stop = client.receiveSignal('ReportIncome', (data, signal) => {
      expectTypeOf(data).toEqualTypeOf<{ userId: number }>()
      expectTypeOf(signal).toEqualTypeOf<Signal<'ReportIncome', { userId: number }>>()
    })
    expectTypeOf(stop).toEqualTypeOf<Stop>()
    client.receiveSignal('RefreshDashboard', (data) => expectTypeOf(data).toEqualTypeOf<undefined>())
    client.receiveSignal('Note', (data) => expectTypeOf(data).toEqualTypeOf<string | undefined>())
    client.receiveSignal('ReportIncome', () => undefined, { where: ({ data }) => data.userId === 1 })
    // @ts-expect-error: the name is not in the map
    client.receiveSignal('Other', () => undefined)
    // @ts-expect-error: there is no such option
    client.receiveSignal('ReportIncome', () => undefined, { filter: 1 })
  })

  it("tells the signals of '*' apart by name", () => {
    client.receiveSignal('*', (_data, signal) => {
      if (signal.name === 'ReportIncome') expectTypeOf(signal.data).toEqualTypeOf<{ userId: number }>()
      expectTypeOf(signal.name).toEqualTypeOf<'ReportIncome' | 'RefreshDashboard' | 'Note'>()
    })
  })

  it('types what waits for signals', () => {
    expectTypeOf(nextSignal(client, 'ReportIncome')).resolves.toEqualTypeOf<
      Signal<'ReportIncome', { userId: number }>
    >()
    expectTypeOf(signalStream(client, 'Note').next()).resolves.toExtend<
      IteratorResult<Signal<'Note', string | undefined>>
    >()
    // @ts-expect-error: one signal is all that it waits for
    void nextSignal(client, 'ReportIncome', { once: true })
  })

  it('has the public id of the page, once the relay has named it', () => {
    expectTypeOf(client.tab).toEqualTypeOf<string | undefined>()
  })

  it('gives each status its own data', () => {
    const status: SignalStatus = client.status
    if (status.state === 'waiting') expectTypeOf(status.retryAt).toEqualTypeOf<number>()
    if (status.state === 'online') expectTypeOf(status.resumed).toEqualTypeOf<boolean>()
    // @ts-expect-error: only a waiting connection has a time to retry
    void status.retryAt
    client.onGap((gap) => expectTypeOf(gap).toEqualTypeOf<Gap>())
  })
})

describe('the data of a receiver', () => {
  interface Stored {
    Income: {
      at: Date
      days: readonly Date[]
      price: { toJSON(): { cents: number } }
      note?: string
      unit: 'EUR' | null
    }
    Day: Date | null
    Pair: [Date, number]
    Anything: unknown
    Json: JsonValue
    Plain: { userId: number }
  }
  const stored = createSignalClient<Stored>({ connect: 'manual' })

  it('is what arrives as JSON, not what was sent', () => {
    void stored.sendSignal('Income', { at: new Date(), days: [], price: { toJSON: () => ({ cents: 1 }) }, unit: null })
    stored.receiveSignal('Income', (data) => {
      expectTypeOf(data.at).toEqualTypeOf<string>()
      expectTypeOf(data.days).toEqualTypeOf<readonly string[]>()
      expectTypeOf(data.price).toEqualTypeOf<{ cents: number }>()
      expectTypeOf(data.note).toEqualTypeOf<string | undefined>()
      expectTypeOf(data.unit).toEqualTypeOf<'EUR' | null>()
    })
    stored.receiveSignal('Day', (data) => expectTypeOf(data).toEqualTypeOf<string | null>())
    stored.receiveSignal('Pair', (data) => expectTypeOf(data).toEqualTypeOf<[string, number]>())
    stored.receiveSignal('Anything', (data) => expectTypeOf(data).toEqualTypeOf<unknown>())
    stored.receiveSignal('Json', (data) => expectTypeOf(data).toEqualTypeOf<JsonValue>())
    stored.receiveSignal('Plain', (data) => expectTypeOf(data).toEqualTypeOf<{ userId: number }>())
    expectTypeOf(nextSignal(stored, 'Day')).resolves.toEqualTypeOf<Signal<'Day', string | null>>()
  })

  it('is the same for a client that is declared by its type', () => {
    const declared: SignalClient<Stored> = stored
    declared.receiveSignal('*', (_data, signal) => {
      if (signal.name === 'Day') expectTypeOf(signal.data).toEqualTypeOf<string | null>()
    })
  })
})

describe('a client without a map', () => {
  it('takes any name and any JSON value, also one of an interface', () => {
    interface Income {
      userId: number
    }
    const income: Income = { userId: 1 }
    void loose.sendSignal('Anything')
    void loose.sendSignal('Anything', income)
    void loose.sendSignal('Anything', [1, 'two', null], { room: 'team:7' })
    // @ts-expect-error: JSON has no form for it
    void loose.sendSignal('Anything', 1n)
    loose.receiveSignal('Anything', (data) => expectTypeOf(data).toEqualTypeOf<JsonValue | undefined>())
    loose.receiveSignal('*', (_data, { name }) => expectTypeOf(name).toEqualTypeOf<string>())
  })
})

describe('a client with a contract', () => {
  const signals = defineSignals({
    ReportIncome: z.object({ userId: z.number(), at: z.iso.date().transform((text) => new Date(text)) }),
  })
  const contracted = createSignalClient({ signals, connect: 'manual' })

  it('sends what the schemas take and receives what they make of it', () => {
    void contracted.sendSignal('ReportIncome', { userId: 1, at: '2026-01-01' })
    // @ts-expect-error: the schema takes text
    void contracted.sendSignal('ReportIncome', { userId: 1, at: new Date() })
    contracted.receiveSignal('ReportIncome', (data) => expectTypeOf(data).toEqualTypeOf<{ userId: number; at: Date }>())
  })

  it('takes every schema of the standard', () => {
    expectTypeOf<StandardSchemaV1>().toExtend<StandardSchema>()
    expectTypeOf<StandardSchemaV1<string, number>>().toExtend<StandardSchema<string, number>>()
  })

  it('takes only schemas', () => {
    // @ts-expect-error: not a Standard Schema
    defineSignals({ ReportIncome: { userId: 'number' } })
  })
})

describe('options of a client', () => {
  it('are checked', () => {
    createSignalClient({ url: '/signals', token: async () => 'x', connect: 'lazy' })
    // @ts-expect-error: there is no such option
    createSignalClient({ ulr: '/signals' })
    // @ts-expect-error: there is no such choice
    createSignalClient({ connect: 'later' })
  })
})
