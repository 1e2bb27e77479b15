import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { type Block, blocksOf } from './blocks.js'
import { filesIn, ROOT } from './root.js'

/** The documents are true. */

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>
  scripts: Record<string, string>
  version: string
}
const README = read('README.md')
const blocks = blocksOf('README.md')

function compile({ language, text }: Block): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    jsx: ts.JsxEmit.ReactJSX,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    paths: { signalpost: [join(ROOT, 'dist/index.d.ts')], 'signalpost/*': [join(ROOT, 'dist/*/index.d.ts')] },
  }
  const file = join(ROOT, `readme-block.${language === 'tsx' ? 'tsx' : 'ts'}`)
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.getSourceFile = (name, target, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, target, ...rest)
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? text : readFile(name))
  const program = ts.createProgram([file], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

const GUIDES = filesIn('examples/guides', '.md').map((file) => join('examples/guides', file))

const DOCUMENTS = ['README.md', 'examples/README.md', ...GUIDES].map((path) => ({
  path,
  code: blocksOf(path).filter(({ language }) => /^(tsx?|js)$/.test(language)),
}))

describe.each(DOCUMENTS.filter(({ code }) => code.length > 0))('$path', ({ code }) => {
  // One program for each: the registry of one block must not rule the others.
  it('has code that compiles', () => {
    expect(code.map((block) => [block.text, compile(block)])).toEqual(code.map(({ text }) => [text, []]))
  })
})

describe('the README and the guides', () => {
  it('show no test with the test relay but the one that is run, stale-page.test.ts', () => {
    const texts = ['README.md', ...GUIDES].flatMap(blocksOf).map(({ text }) => text)
    const shown = texts.filter((text) => text.includes("'signalpost/testing'"))
    expect(shown).toEqual([read('test/package/stale-page.test.ts').replace(/^\/\/ @.*\n/, '')])
  })

  it('have code in every language', () => {
    const all = ['README.md', ...GUIDES].flatMap(blocksOf)
    const counts = (wanted: string): number => all.filter(({ language }) => language === wanted).length
    expect([counts('ts') >= 8, counts('tsx') >= 1, counts('html') >= 5, counts('sh') >= 3]).not.toContain(false)
  })

  it('lead with the two commands of a newcomer', () => {
    const first = blocks.find(({ language }) => language === 'sh')
    expect(first?.text).toMatch(/^npx signalpost relay\b.*\nnpm ci && npm test\b/)
  })

  it('have a heading and a remedy for every error code, in the order of the type', () => {
    const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '([\w-]+)'$/gm)].map(([, code]) => code)
    const [, ...sections] = read('examples/guides/errors.md').split(/^## /m)
    expect(codes).toHaveLength(23)
    expect(sections.map((section) => section.split('\n')[0])).toEqual(codes)
    expect(sections.filter((section) => !/^\*\*Remedy:\*\* [\w`]/m.test(section))).toEqual([])
  })

  it('state the sizes of the budgets', async () => {
    const { default: budgets } = (await import(join(ROOT, '.size-limit.js'))) as {
      readonly default: readonly { readonly name: string; readonly limit: string }[]
    }
    const limits = new Map(budgets.map(({ name, limit }) => [name, Number.parseInt(limit)]))
    const kilobytes = (name: string): string => `${Math.ceil((limits.get(name) ?? 0) / 1000)} kB`
    expect(README).toContain(
      `weighs ${kilobytes('script tag')}, the client alone ${kilobytes('{ createSignalClient }')}`,
    )
  })

  it('name only APIs of browsers that the SDK uses', () => {
    const sources = filesIn('src', '.ts').map((file) => read(join('src', file)))
    const rows = [...read('examples/guides/browser-support.md').matchAll(/^\| `([\w.]+)`/gm)].map(([, api = '']) => api)
    expect(rows.length).toBeGreaterThan(8)
    expect(rows.filter((api) => !sources.some((text) => text.includes(api)))).toEqual([])
  })

  it('name the versions of the libraries that their recipes are run with', () => {
    const { dependencies } = JSON.parse(read('test/browser/libraries/package.json')) as typeof manifest
    const run = new Set(
      Object.entries(dependencies).map(([name, version]) =>
        version.startsWith('npm:') ? version.slice('npm:'.length) : `${name}@${version}`,
      ),
    )
    const rows = [...read('examples/guides/page-libraries.md').matchAll(/^\| .+ \| `(.+)` +\| ([\d.]+) +\|$/gm)]
    expect(rows.length).toBeGreaterThan(15)
    expect(rows.map(([, name, version]) => `${name}@${version}`).filter((each) => !run.has(each))).toEqual([])
  })

  it('list every guide in the README, in the index and in llms.txt', () => {
    const names = filesIn('examples/guides', '.md').filter((name) => name !== 'README.md')
    const index = read('examples/guides/README.md')
    const llms = read('examples/guides/llms.txt')
    expect(names.length).toBeGreaterThan(10)
    expect(
      names.filter(
        (name) =>
          !README.includes(`](examples/guides/${name})`) ||
          !index.includes(`](${name})`) ||
          !llms.includes(`](${name})`),
      ),
    ).toEqual([])
  })
})

describe('the documents', () => {
  const documents = ['README.md', 'CHANGELOG.md', '.github/CONTRIBUTING.md', '.github/SECURITY.md'].concat(
    filesIn('examples', '.md').map((file) => join('examples', file)),
  )

  it.each(documents)('name only scripts that exist: %s', (path) => {
    const scripts = [...read(path).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name ?? '')
    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([])
  })

  it('keep an Unreleased section in the changelog', () => {
    expect(read('CHANGELOG.md')).toMatch(/^# Changelog\n\n## Unreleased\n/)
  })

  it('pin every action of the workflows by its commit', () => {
    const uses = filesIn('.github/workflows', '.yml').flatMap((file) =>
      [...read(join('.github/workflows', file)).matchAll(/uses: (\S+)/g)].map(([, action]) => action ?? ''),
    )
    expect(uses.length).toBeGreaterThan(3)
    expect(uses.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([])
  })
})
