import { expect, it, vi } from 'vitest'
import { useSignal, useSignalStatus } from '../../src/react/index.js'

vi.mock(import('react'), async (load) => ({
  ...(await load()),
  version: '17.0.2',
  useContext: () => undefined as never,
  useRef: (current: unknown) => ({ current }) as never,
  useCallback: (callback: unknown) => callback as never,
  useInsertionEffect: undefined as never,
  useSyncExternalStore: undefined as never,
}))

it.each([() => useSignal('A', () => undefined), () => useSignalStatus()])('names the React that it needs', (hook) => {
  expect(hook).toThrow('signalpost/react needs React 18 or later, not 17.0.2.')
})
