import { expectTypeOf, it } from 'vitest'
import { createSignalClient } from '../../src/index.js'
import { showInspector } from '../../src/inspector/index.js'
import { createTestRelay, type SentSignal } from '../../src/testing/index.js'

interface Signals {
  ReportIncome: { userId: number }
  RefreshDashboard: void
}

it('a test relay sends what its map allows', () => {
  const relay = createTestRelay<Signals>()
  relay.send('ReportIncome', { userId: 123 }, { room: 'team:7' })
  relay.send('RefreshDashboard')
  // @ts-expect-error: a name that is not in the map
  relay.send('Unknown')
  // @ts-expect-error: data is missing
  relay.send('ReportIncome')
  // @ts-expect-error: data of another type
  relay.send('ReportIncome', { userId: '123' })
  // @ts-expect-error: data where there is none
  relay.send('RefreshDashboard', 1)
  expectTypeOf(relay.sent).toEqualTypeOf<readonly SentSignal[]>()
  expectTypeOf(relay.refuse(4401)).toEqualTypeOf<() => void>()
})

it('without a map it sends any name with any data', () => {
  const relay = createTestRelay()
  relay.send('Anything', { any: ['data'] })
  relay.send('Nothing')
})

it('the inspector takes a client of any map', () => {
  showInspector({ client: createSignalClient<Signals>(), rooms: ['main'] })
  showInspector()
  // @ts-expect-error: a room is a name
  showInspector({ rooms: 'main' })
})
