import { createSignalClient } from 'signalpost'
import { createTestRelay } from 'signalpost/testing'

const { jest } = import.meta

let relay
let client

beforeEach(() => {
  jest.useFakeTimers()
  relay = createTestRelay()
  client = createSignalClient()
})

afterEach(() => {
  client.close()
  relay.close()
  jest.useRealTimers()
})

test('a page goes stale, and comes back with what it missed', async () => {
  document.body.innerHTML = '<output>100</output>'
  const output = document.querySelector('output')
  client.receiveSignal('ReportIncome', ({ total }) => (output.textContent = total))
  await jest.advanceTimersByTimeAsync(100)
  expect(client.status.state).toBe('online')

  const admit = relay.refuse(1006)
  relay.drop()
  relay.send('ReportIncome', { total: 120 })
  await jest.advanceTimersByTimeAsync(1000)
  expect(client.status.state).not.toBe('online')
  expect(output.textContent).toBe('100')

  admit()
  await jest.advanceTimersByTimeAsync(10_000)
  expect(output.textContent).toBe('120')
})

test('a button sends', async () => {
  const result = client.sendSignal('ReportIncome', { userId: 123 })
  await jest.advanceTimersByTimeAsync(100)
  expect((await result).outcome).toBe('accepted')
  expect(relay.sent).toMatchObject([{ name: 'ReportIncome', data: { userId: 123 } }])
})

test('a page that is left has nothing to complain about', async () => {
  const errors = []
  window.addEventListener('error', ({ message }) => errors.push(message))
  void client.sendSignal('ReportIncome', { userId: 123 })
  window.dispatchEvent(new Event('pagehide'))
  await jest.advanceTimersByTimeAsync(100)
  expect(errors).toEqual([])
})
