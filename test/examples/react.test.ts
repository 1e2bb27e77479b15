import { expect, it } from 'vitest'
import { describeExample } from './framework-example.js'
import { compileExample } from './vite-site.js'

describeExample('react', 'IncomeReport.tsx')

it('compiles against the built types', async () => {
  expect(await compileExample('react')).toBe('')
})
