import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type * as FollowClient from '../../src/bindings/follow-client.js'
import { createSignalClient, setPageClient } from '../../src/index.js'

const warn = vi.fn<(text: string) => void>()
let followClient: typeof FollowClient.followClient

beforeEach(async () => {
  // Each test is a page of its own: a page warns once.
  vi.resetModules()
  ;({ followClient } = await import('../../src/bindings/follow-client.js'))
  vi.useFakeTimers()
  vi.spyOn(console, 'warn').mockImplementation(warn)
})

afterEach(() => {
  warn.mockClear()
  setPageClient(undefined)
  vi.useRealTimers()
})

it('says once in the console that hooks have waited 5 seconds for a client', () => {
  const stops = [1, 2].map(() => followClient(undefined, () => () => undefined))
  vi.advanceTimersByTime(4999)
  expect(warn).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(warn.mock.calls).toEqual([[expect.stringContaining('call createSignalClient() in the browser')]])
  for (const stop of stops) stop()
})

it('says nothing where a client came, or the hook has gone', () => {
  const stops = [followClient(undefined, () => () => undefined), followClient(undefined, () => () => undefined)]
  stops[0]?.()
  createSignalClient({ url: 'ws://localhost/signals', connect: 'manual' })
  vi.advanceTimersByTime(5000)
  expect(warn).not.toHaveBeenCalled()
  stops[1]?.()
})
