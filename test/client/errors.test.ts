import { expect, it } from 'vitest'
import { isSignalError, SignalError } from '../../src/errors.js'

it('keeps its code, its text and the error behind it', () => {
  const cause = new Error('behind')
  const error = new SignalError('bad-name', 'text', cause)
  expect(error).toMatchObject({ name: 'SignalError', code: 'bad-name', message: 'text', cause })
  expect('cause' in new SignalError('bad-name', 'text')).toBe(false)
})

it('is known by its name and code, so that two copies of the package agree', () => {
  const foreign = Object.assign(new Error('x'), { name: 'SignalError', code: 'closed' })
  expect(
    [new SignalError('closed', ''), foreign, new Error('x'), { name: 'SignalError' }, null].map(isSignalError),
  ).toEqual([true, true, false, false, false])
})
