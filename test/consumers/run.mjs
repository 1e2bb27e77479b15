import { spawnSync } from 'node:child_process'
import { bundlers } from './bundlers.mjs'
import { frameworks } from './frameworks.mjs'
import { compilers, installs, runners } from './runners.mjs'
import { servers } from './servers.mjs'

/** Runs the consumers that are named, or all: `npm run test:consumers -- vite servers`. Names of groups work too. */

const GROUPS = { bundlers, frameworks, runners, compilers, installs, servers }

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in GROUPS) && !all().some((each) => each.name === name))
if (unknown.length > 0) {
  console.error(
    `Unknown consumer ${unknown.join()}. There are: ${all()
      .map(({ name }) => name)
      .join(', ')}.`,
  )
  process.exit(2)
}

let passed = 0
let failed = 0
let skipped = 0
for (const [group, consumers] of Object.entries(GROUPS)) {
  for (const { name, needs, run } of consumers) {
    if (wanted.length > 0 && !wanted.includes(group) && !wanted.includes(name)) continue
    if (needs && spawnSync('sh', ['-c', needs[0]]).status !== 0) {
      skipped += 1
      console.log(`- ${name}: skipped; ${needs[1]}`)
      continue
    }
    const start = performance.now()
    const seconds = () => `${Math.round((performance.now() - start) / 1000)} s`
    try {
      await run()
      passed += 1
      console.log(`✓ ${name} (${seconds()})`)
    } catch (error) {
      failed += 1
      console.log(`✗ ${name} (${seconds()})\n${error.stack.replaceAll(/^/gm, '    ')}`)
    }
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0

function all() {
  return Object.values(GROUPS).flat()
}
