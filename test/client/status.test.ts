import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type SignalStatus, withGrace } from '../../src/status.js'

const online: SignalStatus = { state: 'online', since: 1, resumed: false }
const waiting: SignalStatus = { state: 'waiting', since: 2, attempt: 1, retryAt: 3, reason: '1006' }
const connecting: SignalStatus = { state: 'connecting', since: 3, attempt: 2 }
const back: SignalStatus = { state: 'online', since: 4, resumed: true }
const closed: SignalStatus = { state: 'closed', since: 5, reason: 'closed-by-page' }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watch(grace: number, present: SignalStatus = online) {
  const told: SignalStatus[] = []
  const [tell, cancel] = withGrace((status) => told.push(status), grace, present)
  return { told, tell, cancel }
}

it('tells nothing of a drop that ends within the grace', () => {
  const { told, tell } = watch(1500)
  for (const status of [waiting, connecting, back]) tell(status)
  vi.advanceTimersByTime(5000)
  expect(told).toEqual([])
})

it('tells the latest status when the grace is over, counted from the loss', () => {
  const { told, tell } = watch(1500)
  tell(waiting)
  vi.advanceTimersByTime(1000)
  tell(connecting)
  vi.advanceTimersByTime(500)
  expect(told).toEqual([connecting])
  tell(back)
  expect(told).toEqual([connecting, back])
})

it('tells at once what is final, and what happens before the page was online', () => {
  const { told, tell } = watch(1500)
  tell(waiting)
  tell(closed)
  const fresh = watch(1500, { state: 'idle', since: 0 })
  fresh.tell(connecting)
  vi.advanceTimersByTime(5000)
  expect([told, fresh.told]).toEqual([[closed], [connecting]])
})

it('tells everything without a grace, and nothing after it was cancelled', () => {
  const plain = watch(0)
  for (const status of [waiting, connecting, back]) plain.tell(status)
  expect(plain.told).toEqual([waiting, connecting, back])
  const cancelled = watch(1500)
  cancelled.tell(waiting)
  cancelled.cancel()
  expect(vi.getTimerCount()).toBe(0)
})
