import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from './root.js'

/** An application that installed the packed package: what it gets, and what its compiler says. */

/** What the bindings stand on. */
const FRAMEWORKS = ['@types', 'react', 'solid-js', 'svelte', 'vue']

let folder: string
let packed: string[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalpost-consumer-'))
  const [pack] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: ROOT,
      encoding: 'utf8',
    }),
  ) as { filename: string; files: { path: string }[] }[]
  packed = pack?.files.map(({ path }) => path) ?? []
  mkdirSync(join(folder, 'node_modules'))
  execFileSync('tar', ['-xzf', join(folder, pack?.filename ?? ''), '-C', join(folder, 'node_modules')])
  execFileSync('mv', [join(folder, 'node_modules/package'), join(folder, 'node_modules/signalpost')])
  for (const name of ['mitt', 'reconnecting-websocket', ...FRAMEWORKS]) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  cpSync(join(ROOT, 'test/package/consumer'), folder, { recursive: true })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SOURCES = ['registry.mts', 'components.mts', 'embedding.mts']

function compile(
  moduleResolution: ts.ModuleResolutionKind,
  module: ts.ModuleKind,
  sources: readonly string[] = SOURCES,
): string[] {
  const program = ts.createProgram(
    sources.map((file) => join(folder, file)),
    {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      target: ts.ScriptTarget.ES2022,
      moduleDetection: ts.ModuleDetectionKind.Force,
      module,
      moduleResolution,
    },
  )
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('an application that installed the package', () => {
  it.each([
    ['bundler', ts.ModuleResolutionKind.Bundler, ts.ModuleKind.ESNext],
    ['node16', ts.ModuleResolutionKind.Node16, ts.ModuleKind.Node16],
    ['nodenext', ts.ModuleResolutionKind.NodeNext, ts.ModuleKind.NodeNext],
  ])(
    'compiles with its own registry of signals under %s, without skipping library checks',
    (_name, resolution, module) => {
      expect(compile(resolution, module)).toEqual([])
    },
  )

  it.each(['sendSignal("Misspelt")', 'receiveSignal("Misspelt", () => 1)'])(
    'is told by the compiler which names there are: %s',
    (call) => {
      const registry = 'declare module "signalpost" { interface SignalRegistry { ReportIncome: void; Saved: void } }'
      writeFileSync(
        join(folder, 'misspelt.mts'),
        `import { receiveSignal, sendSignal } from 'signalpost'\n${registry}\n${call}\n[receiveSignal, sendSignal]`,
      )
      const [text] = compile(ts.ModuleResolutionKind.Bundler, ts.ModuleKind.ESNext, ['misspelt.mts'])
      expect(text).toMatch(/"Misspelt".* not assignable .*"ReportIncome" \| "Saved"/)
    },
  )

  it('embeds a relay that needs nothing else to be installed', () => {
    const script = `import { createRelay } from 'signalpost/relay'
      const relay = createRelay({ port: 0 })
      const { page } = await relay.listen()
      const answers = await Promise.all(['health', 'ready', ''].map((path) => fetch(page + path)))
      console.log(answers.map(({ status }) => status).join())
      await relay.close()`
    const args = ['--input-type=module', '--eval', script]
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toBe('200,200,200\n')
  })

  it('gets the files of this list and no others', () => {
    const kinds = packed.map((path) =>
      path
        .replace(/^dist\/cjs\/.*\.js$/, 'dist/cjs modules')
        .replace(/^dist\/(?!cjs|umd|relay|playground|dashboard).*\.(js|js\.map)$/, 'dist modules')
        .replace(/^(dist\/(?:playground|dashboard)|examples\/(?:guides|relay\/(?:deploy|monitoring)))\/.*$/, '$1')
        .replace(/^(dist\/relay\/chunk)-\w+\.js$/, '$1')
        .replace(/^dist\/[a-z]+\/index\.d\.c?ts$/, 'dist entry point types')
        .replace(/^dist\/[a-z-]+-[\w-]{8}\.d\.c?ts$/, 'dist shared types'),
    )
    expect([...new Set(kinds)].toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist entry point types',
      'dist modules',
      'dist shared types',
      'dist/cjs modules',
      'dist/cjs/connection/THIRD-PARTY-LICENSES.txt',
      'dist/cjs/morph/THIRD-PARTY-LICENSES.txt',
      'dist/cjs/package.json',
      'dist/connection/THIRD-PARTY-LICENSES.txt',
      'dist/dashboard',
      'dist/index.d.cts',
      'dist/index.d.ts',
      'dist/morph/THIRD-PARTY-LICENSES.txt',
      'dist/playground',
      'dist/relay/THIRD-PARTY-LICENSES.txt',
      'dist/relay/chunk',
      'dist/relay/config.schema.json',
      'dist/relay/index.js',
      'dist/relay/main.js',
      'dist/umd/THIRD-PARTY-LICENSES.txt',
      'dist/umd/integrity.json',
      'dist/umd/package.json',
      'dist/umd/signalpost-fallback.min.js',
      'dist/umd/signalpost-inspector.js',
      'dist/umd/signalpost-morph.THIRD-PARTY-LICENSES.txt',
      'dist/umd/signalpost-morph.min.js',
      'dist/umd/signalpost-tabs.min.js',
      'dist/umd/signalpost-worker.THIRD-PARTY-LICENSES.txt',
      'dist/umd/signalpost-worker.min.js',
      'dist/umd/signalpost.d.ts',
      'dist/umd/signalpost.js',
      'dist/umd/signalpost.js.map',
      'dist/umd/signalpost.min.js',
      'dist/umd/signalpost.min.js.map',
      'examples/guides',
      'examples/relay/DEPLOY.md',
      'examples/relay/PROTOCOL.md',
      'examples/relay/PROXIES.md',
      'examples/relay/README.md',
      'examples/relay/deploy',
      'examples/relay/monitoring',
      'package.json',
    ])
  })

  it('installs two dependencies and runs no install script of it', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >
    expect(Object.keys(manifest.dependencies ?? {})).toEqual(['mitt', 'reconnecting-websocket'])
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([])
  })

  it('shares one page client between require() of several entry points', () => {
    const script = `const { createSignalClient, getPageClient } = require('signalpost')
      const { refreshOn } = require('signalpost/refresh')
      const client = createSignalClient({ url: 'ws://localhost/signals', connect: 'manual' })
      refreshOn('ReportIncome', () => undefined)
      console.log(getPageClient() === client)`
    // Without the condition "module-sync", as with Jest and older Node.
    const file = join(folder, 'node_modules/signalpost/package.json')
    const manifest = readFileSync(file, 'utf8')
    writeFileSync(file, manifest.replaceAll('"module-sync"', '"no-sync"'))
    expect(execFileSync(process.execPath, ['--eval', script], { cwd: folder, encoding: 'utf8' })).toBe('true\n')
    writeFileSync(file, manifest)
  })

  it('asks for no version of a framework, so that it installs beside every other one', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly peerDependencies: Readonly<Record<string, string>>
      readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
    }
    const names = Object.keys(manifest.peerDependencies)
    expect(Object.values(manifest.peerDependencies)).toEqual(names.map(() => '*'))
    expect(manifest.peerDependenciesMeta).toEqual(Object.fromEntries(names.map((name) => [name, { optional: true }])))
  })

  it.each(['signalpost.js', 'signalpost.min.js'])('can require the script-tag build: %s', (file) => {
    const api = createRequire(import.meta.url)(join(ROOT, 'dist/umd', file)) as Record<string, unknown>
    expect(Object.keys(api)).toContain('createSignalClient')
    expect('Signalpost' in globalThis).toBe(false)
  })

  // Vite reads `./vue` in the field as `vue`, also where the package itself imports its framework.
  it('has no framework in the field `browser`', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly browser: Readonly<Record<string, string>>
      readonly peerDependencies: Readonly<Record<string, string>>
    }
    expect(Object.keys(manifest.peerDependencies).filter((name) => `./${name}` in manifest.browser)).toEqual([])
  })

  it('finds every path that package.json names', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>
    const paths = JSON.stringify([
      manifest.exports,
      manifest.main,
      manifest.types,
      manifest.typesVersions,
      manifest.browser,
      manifest.alias,
      manifest.unpkg,
      manifest.jsdelivr,
      manifest.bin,
    ])
    const named = [...paths.matchAll(/"(?:\.\/)?((?:dist\/|package\.json)[^"]*)"/g)].map(([, path]) => path ?? '')
    expect(named.filter((path) => path !== 'package.json' && !packed.includes(path))).toEqual([])
    expect(named.length).toBeGreaterThan(5)
  })
})
