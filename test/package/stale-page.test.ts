// @vitest-environment happy-dom
import { createSignalClient, type SignalClient } from 'signalpost'
import { createTestRelay, type TestRelay } from 'signalpost/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

interface Signals {
  ReportIncome: { total: number }
}

let relay: TestRelay<Signals>
let client: SignalClient<Signals>

beforeEach(() => {
  vi.useFakeTimers()
  relay = createTestRelay() // WebSocket is mock-socket's from here on
  client = createSignalClient()
})

afterEach(() => {
  client.close()
  relay.close()
  vi.useRealTimers()
})

it('shows what was saved while the page was cut off', async () => {
  document.body.innerHTML = '<output>100</output>'
  const output = document.querySelector('output')
  client.receiveSignal('ReportIncome', ({ total }) => output?.replaceChildren(String(total)))
  await vi.advanceTimersByTimeAsync(100)
  expect(client.status.state).toBe('online')

  const admit = relay.refuse(1006) // the network is gone …
  relay.drop()
  relay.send('ReportIncome', { total: 120 }) // … while another page saves
  await vi.advanceTimersByTimeAsync(1000)
  expect(client.status.state).not.toBe('online')
  expect(output?.textContent).toBe('100')

  admit() // the network is back
  await vi.advanceTimersByTimeAsync(10_000)
  expect(client.status).toMatchObject({ state: 'online', resumed: true })
  expect(output?.textContent).toBe('120')
})

it('says what the user did', async () => {
  const result = client.sendSignal('ReportIncome', { total: 120 })
  await vi.advanceTimersByTimeAsync(100)
  expect(await result).toMatchObject({ outcome: 'accepted' })
  expect(relay.sent).toMatchObject([{ name: 'ReportIncome', data: { total: 120 } }])
})
