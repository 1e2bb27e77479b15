import { expect, it, vi } from 'vitest'
import { useSignal, useSignalStatus } from '../../src/vue/index.js'

vi.mock(import('vue'), async (load) => ({
  ...(await load()),
  version: '2.7.16',
  hasInjectionContext: undefined as never,
  toValue: undefined as never,
}))

it.each([() => useSignal('A', () => undefined), () => useSignalStatus()])('names the Vue that it needs', (use) => {
  expect(use).toThrow('signalpost/vue needs Vue 3.5 or later, not 2.7.16.')
})
