import { beforeEach, expect, it, vi } from 'vitest'
import { oncePerBrowser } from '../../src/tabs/once-per-browser.js'
import { createFakeLocks } from '../support/fake-locks.js'

const { handled } = vi.hoisted(() => ({ handled: new Set<string>() }))

vi.mock('../../src/tabs/handled-signals.js', () => ({
  wasHandled: async (key: string) => handled.has(key),
  noteHandled: async (key: string) => void handled.add(key),
}))

const page = { visibilityState: 'visible' }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  handled.clear()
  page.visibilityState = 'visible'
  vi.stubGlobal('document', page)
  vi.stubGlobal('navigator', { locks: createFakeLocks() })
})

it('lets one of the tabs handle a signal, for each key', async () => {
  const calls: string[] = []
  const tabs = ['a', 'b'].map((tab) =>
    oncePerBrowser<string, { id: string }>('notice', (data) => calls.push(tab + data)),
  )
  const sound = oncePerBrowser('sound', () => calls.push('sound'))
  for (const id of ['1', '2']) await Promise.all([...tabs, sound].map((handle) => handle(id, { id })))
  expect(calls.toSorted()).toEqual(['a1', 'a2', 'sound', 'sound'])
})

it('lets a tab that is seen come first', async () => {
  const calls: string[] = []
  page.visibilityState = 'hidden'
  const hidden = oncePerBrowser('notice', () => calls.push('hidden'))('', { id: '1' })
  await vi.advanceTimersByTimeAsync(10)
  page.visibilityState = 'visible'
  await oncePerBrowser('notice', () => calls.push('seen'))('', { id: '1' })
  await vi.advanceTimersByTimeAsync(500)
  await hidden
  expect(calls).toEqual(['seen'])
})

it('counts a handler that throws as done, and passes its error on', async () => {
  const failing = oncePerBrowser('notice', () => {
    throw new Error('This handler fails')
  })
  const other = vi.fn<() => void>()
  await expect(failing('', { id: '1' })).rejects.toThrow('This handler fails')
  await oncePerBrowser('notice', other)('', { id: '1' })
  expect(other).not.toHaveBeenCalled()
})

it('lets each tab handle each signal where there are no Web Locks', async () => {
  vi.stubGlobal('navigator', {})
  const handler = vi.fn<() => void>()
  const tabs = [oncePerBrowser('notice', handler), oncePerBrowser('notice', handler)]
  for (const handle of tabs) await handle('', { id: '1' })
  expect(handler).toHaveBeenCalledTimes(2)
})
