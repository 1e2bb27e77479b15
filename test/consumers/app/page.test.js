import { createSignalClient } from 'signalpost'
import { createTestRelay } from 'signalpost/testing'

test('a signal passes', async () => {
  const relay = createTestRelay({ url: 'ws://localhost/signals' })
  const client = createSignalClient({ url: 'ws://localhost/signals', connect: 'manual' })
  const heard = new Promise((resolve) => client.receiveSignal('ReportIncome', resolve))
  client.connect()
  const { outcome } = await client.sendSignal('ReportIncome', { userId: 123 })
  expect([outcome, await heard]).toEqual(['accepted', { userId: 123 }])
  client.close()
  relay.close()
})
