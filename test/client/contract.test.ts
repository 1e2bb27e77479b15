import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createSignalClient, defineSignals, type SignalError, type StandardSchema } from '../../src/index.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'

const LIBRARIES = {
  zod: defineSignals({
    ReportIncome: z.object({ userId: z.number(), note: z.string().default('none') }),
    RefreshDashboard: z.undefined(),
  }),
  valibot: defineSignals({
    ReportIncome: v.object({ userId: v.number(), note: v.optional(v.string(), 'none') }),
    RefreshDashboard: v.undefined(),
  }),
  arktype: defineSignals({
    ReportIncome: type({ userId: 'number', note: 'string = "none"' }),
    RefreshDashboard: type('undefined'),
  }),
}

let relay: ReturnType<typeof startMockRelay>
let errors: SignalError[]

beforeEach(() => {
  vi.useFakeTimers()
  relay = startMockRelay()
  errors = []
})

afterEach(() => {
  relay.stop()
  vi.useRealTimers()
})

describe.each(Object.entries(LIBRARIES))('a contract made with %s', (_library, signals) => {
  it('checks what is sent at the call, and what comes before any handler sees it', async () => {
    const client = createSignalClient({ url: RELAY_URL, signals, onError: (error) => errors.push(error) })
    const heard: unknown[] = []
    client.receiveSignal('ReportIncome', (data) => heard.push(data))
    client.receiveSignal('RefreshDashboard', (data) => heard.push(data))
    await pass()

    // @ts-expect-error: the type says so too
    expect(() => client.sendSignal('ReportIncome', { userId: 'hunter2' })).toThrow(
      expect.objectContaining({
        code: 'contract',
        message: 'Signal "ReportIncome" breaks its contract (issues in error.cause: 1).',
      }),
    )
    void client.sendSignal('ReportIncome', { userId: 1 })
    void client.sendSignal('RefreshDashboard')
    await pass()
    expect(relay.sent('signal').map(({ data }) => data)).toEqual([{ userId: 1 }, undefined])

    relay.deliver('ReportIncome', { data: { userId: 'hunter2' } })
    relay.deliver('ReportIncome', { data: { userId: 2 } })
    relay.deliver('RefreshDashboard')
    await pass()
    expect(heard).toEqual([{ userId: 2, note: 'none' }, undefined])
    expect(errors.map(({ code }) => code)).toEqual(['contract'])
    expect(String(errors[0])).not.toContain('hunter2')
    client.close()
  })
})

describe('a contract', () => {
  const schema = (validate: StandardSchema['~standard']['validate']): StandardSchema => ({
    '~standard': { version: 1, vendor: 'test', validate },
  })

  it.each([
    ['a name that is not in it', 'Other'],
    ['a name that every object has', 'constructor'],
    ['a schema that validates asynchronously', 'Later'],
    ['a schema that throws', 'Broken'],
  ])('is broken by %s', (_what, name) => {
    const signals = defineSignals({
      Later: schema(async (value) => ({ value })),
      Broken: schema(() => {
        throw new Error('schema')
      }),
    })
    const client = createSignalClient({ url: RELAY_URL, connect: 'manual', signals })
    expect(() => client.sendSignal(name as 'Later')).toThrow(expect.objectContaining({ code: 'contract' }))
    client.close()
  })

  it("keeps the issues of the schema as the cause, and the keys of the data, which may be anybody's, out of the text", () => {
    const issues = [{ message: 'too old', path: [{ key: 'user' }, 'hunter2'] }, { message: 'no' }]
    const signals = defineSignals({ A: schema(() => ({ issues })) })
    expect(() => signals['~check']('A', 1)).toThrow(
      expect.objectContaining({
        message: 'Signal "A" breaks its contract (issues in error.cause: 2).',
        cause: issues,
      }),
    )
  })

  it.each([
    ['a name that is not one', 'bad-name', { 'Report Income': z.string() }],
    ['something that is not a schema', 'bad-option', { A: { userId: 'number' } }],
    ['no schema', 'bad-option', { A: undefined }],
    ['nothing', 'bad-option', undefined],
  ])('is not made from %s', (_what, code, schemas) => {
    expect(() => defineSignals(schemas as never)).toThrow(expect.objectContaining({ code }))
  })

  it('is what defineSignals() returned, and nothing else', () => {
    const signals = { ReportIncome: z.object({ userId: z.number() }) }
    const message = expect.stringContaining('defineSignals()') as string
    expect(() => createSignalClient({ url: RELAY_URL, signals } as never)).toThrow(
      expect.objectContaining({ code: 'bad-option', message }),
    )
  })

  it.each([[Symbol('s')], ['no name'], [5]])('is not asked about %s, which is no name', (name) => {
    const signals = defineSignals({ A: z.string() })
    const client = createSignalClient({ url: RELAY_URL, connect: 'manual', signals })
    expect(() => client.sendSignal(name as 'A', '')).toThrow(expect.objectContaining({ code: 'bad-name' }))
    client.close()
  })

  it('is not asked about signals that nobody receives', async () => {
    const validate = vi.fn((value: unknown) => ({ value }))
    const signals = defineSignals({ A: schema(validate), B: schema(validate) })
    const client = createSignalClient({ url: RELAY_URL, signals })
    client.receiveSignal('A', () => undefined)
    await pass()
    relay.deliver('B')
    expect(validate).not.toHaveBeenCalled()
    client.close()
  })
})
