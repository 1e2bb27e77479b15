import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { ROOT } from './root.js'

it('builds the API reference without a warning', () => {
  const args = ['node_modules/typedoc/bin/typedoc', '--emit', 'none']
  expect(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })).not.toMatch(/warning|error/i)
})
