import { expect, it, vi } from 'vitest'
import { createTestRelay } from '../../src/testing/index.js'

vi.mock(import('mock-socket'), async (load) => {
  return { ...(await load()), Server: function Server() {} as never }
})

it('names the mock-socket that it needs', () => {
  expect(() => createTestRelay()).toThrow('signalpost/testing needs mock-socket 9 or later.')
})
