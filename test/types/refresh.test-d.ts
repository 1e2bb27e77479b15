import { describe, expectTypeOf, it } from 'vitest'
import type { Signal, SignalClient, Stop } from '../../src/index.js'
import { type RefreshAction, type RefreshContext, refreshOn, reloadPage } from '../../src/refresh/index.js'

interface Signals {
  ReportIncome: { userId: number }
  RefreshDashboard: void
}

declare const client: SignalClient<Signals>

describe('refreshOn', () => {
  it('takes any name without a registry, one or several', () => {
    expectTypeOf(refreshOn('Anything', reloadPage())).toEqualTypeOf<Stop>()
    refreshOn(['Anything', 'Else'], () => undefined, { where: ({ data }) => data === 1 })
    refreshOn('*', async () => undefined)
  })

  it('takes the names of a client with a map, and its data in where', () => {
    refreshOn('ReportIncome', reloadPage(), { client, where: ({ data }) => data.userId === 1 })
    refreshOn(['ReportIncome', 'RefreshDashboard'], reloadPage(), {
      client,
      where: (signal) => signal.name === 'RefreshDashboard' || signal.data.userId === 1,
    })
    refreshOn('*', reloadPage(), { client, where: ({ name }) => name !== 'ReportIncome' })
    // @ts-expect-error: the name is not in the map
    refreshOn('ReportIncom', reloadPage(), { client })
    // @ts-expect-error: the data is of another type
    refreshOn('ReportIncome', reloadPage(), { client, where: ({ data }) => data.userId === '1' })
  })

  it('tells the action what it reacts to', () => {
    expectTypeOf<Parameters<RefreshAction>>().toEqualTypeOf<[RefreshContext]>()
    expectTypeOf<RefreshContext['signals']>().toEqualTypeOf<readonly Signal[]>()
  })
})
