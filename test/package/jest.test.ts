import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from './root.js'

const FOLDER = join(ROOT, 'test/package/jest')

it("passes an application's tests under jest and jsdom, with nothing but the package", () => {
  // Apart from the project's own packages, so that installing those stays light.
  const isInstalled = existsSync(join(FOLDER, 'node_modules/jest-environment-jsdom'))
  if (!isInstalled) execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER })

  const run = spawnSync(process.execPath, ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--ci'], {
    cwd: FOLDER,
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'test', NODE_OPTIONS: '' },
  })

  expect(run.stderr).toMatch(/^Tests: +3 passed, 3 total$/m)
  expect(run.status).toBe(0)
})
