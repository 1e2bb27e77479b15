import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from './root.js'

const modules = filesIn('dist', '.js')
  .filter((file) => !/^(cjs|umd|relay|playground|dashboard|docs)\//.test(file))
  .map((file) => `dist/${file}`)

/** Runs in a process of its own: every global that could do something, or that says where we are, notes its use. */
const SPIES = `
const used = []
const watch = (name) => {
  const original = globalThis[name]
  Object.defineProperty(globalThis, name, { configurable: true, get() { used.push(name); return original } })
}
for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'addEventListener', 'WebSocket',
  'document', 'window', 'location', 'navigator', 'localStorage', 'sessionStorage', 'crypto', 'performance', 'fetch',
  'BroadcastChannel', 'SharedWorker', 'Worker']) watch(name)
const { random } = Math
Math.random = () => { used.push('Math.random'); return random() }
const now = Date.now
Date.now = () => { used.push('Date.now'); return now() }
`

/** What the modules of a room stand on; it is loaded before anybody watches. */
const FRAMEWORKS: Readonly<Record<string, readonly string[]>> = {
  react: ['react'],
  solid: ['solid-js'],
  svelte: ['svelte', 'svelte/store'],
  vue: ['vue'],
}

function usesOf(file: string): string[] {
  const frameworks = FRAMEWORKS[file.split('/')[1] ?? ''] ?? []
  const script = `${frameworks.map((name) => `await import('${name}')`).join(';')}
    ${SPIES}
    const before = new Set(Object.getOwnPropertyNames(globalThis))
    await import(${JSON.stringify(join(ROOT, file))})
    for (const name of Object.getOwnPropertyNames(globalThis)) if (!before.has(name)) used.push('new global ' + name)
    process.stdout.write(JSON.stringify([...new Set(used)]))`
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', cwd: ROOT }),
  ) as string[]
}

/** What packages do when they are loaded; no module of ours may do anything. */
const LOADING = [
  // mock-socket asks whether there is a window.
  { files: /^dist\/testing\/(index|mock-connections|peer|test-relay)\.js$/, uses: ['window'] },
  // morphdom asks whether the document has templates.
  { files: /^dist\/morph\//, uses: ['document'] },
]

describe('importing', () => {
  it('finds the modules', () => {
    expect(modules.length).toBeGreaterThan(15)
  })

  it.each(modules)('%s does nothing', (file) => {
    const allowed = LOADING.flatMap(({ files, uses }) => (files.test(file) ? uses : []))
    expect(usesOf(file)).toEqual(allowed)
  })
})
