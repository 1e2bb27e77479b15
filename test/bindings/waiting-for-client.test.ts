import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { followClient } from '../../src/bindings/follow-client.js'
import { createSignalClient, setPageClient } from '../../src/index.js'

const warn = vi.fn<(text: string) => void>()

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(console, 'warn').mockImplementation(warn)
})

afterEach(() => {
  warn.mockClear()
  setPageClient(undefined)
  vi.useRealTimers()
})

it('says in the console that a hook has waited 5 seconds for a client', () => {
  const stop = followClient(undefined, () => () => undefined)
  vi.advanceTimersByTime(4999)
  expect(warn).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(warn.mock.calls).toEqual([[expect.stringContaining('Call createSignalClient() in the browser')]])
  stop()
})

it('says nothing where a client came, or the hook has gone', () => {
  const stops = [followClient(undefined, () => () => undefined), followClient(undefined, () => () => undefined)]
  stops[0]?.()
  createSignalClient({ url: 'ws://localhost/signals', connect: 'manual' })
  vi.advanceTimersByTime(5000)
  expect(warn).not.toHaveBeenCalled()
  stops[1]?.()
})
