import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { type Block, blocksOf } from './blocks.js'
import { filesIn, ROOT } from './root.js'

/** What the documents say must be so. */

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json')) as { scripts: Record<string, string>; version: string }
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

describe.each(['README.md', 'examples/README.md'])('%s', (path) => {
  // One program for each: the registry of one block must not rule the others.
  it.each(blocksOf(path).filter(({ language }) => /^(tsx?|js)$/.test(language)))(
    'has code that compiles: $text',
    (block) => {
      expect(compile(block)).toEqual([])
    },
  )
})

describe('the README', () => {
  it('shows no test with the test relay but the one that is run, stale-page.test.ts', () => {
    const shown = blocks.map(({ text }) => text).filter((text) => text.includes("'signalpost/testing'"))
    const run = read('test/package/stale-page.test.ts').replace(/^\/\/ @.*\n/, '')
    expect(shown.filter((text) => text !== run)).toEqual([])
  })

  it('has code in every language that it shows', () => {
    const counts = (wanted: string): number => blocks.filter(({ language }) => language === wanted).length
    expect([counts('ts') >= 3, counts('tsx') >= 1, counts('html') >= 3, counts('sh') >= 2]).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  it('leads with the two commands of a newcomer', () => {
    const first = blocks.find(({ language }) => language === 'sh')
    expect(first?.text).toMatch(/^npm ci && npm start\b.*\nnpm ci && npm test\b/)
  })

  it('has every error code in its table, in the order of the type, and says what to do', () => {
    const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '([\w-]+)'$/gm)].map(([, code]) => code)
    const rows = [...README.matchAll(/^\| `([\w-]+)` +\| [^|]*\w[^|]* \| [^|]*\w[^|]* \|$/gm)].map(([, code]) => code)
    expect(codes).toHaveLength(23)
    expect(rows.filter((code) => codes.includes(code))).toEqual(codes)
  })

  it('states the size of the client as it was measured, within 3 %', () => {
    const said = Number(/`\{ createSignalClient \}` +\| +([\d,]+)/.exec(README)?.[1]?.replace(',', ''))
    const limit = Number(/import: '\{ createSignalClient \}', limit: '(\d+) B'/.exec(read('.size-limit.js'))?.[1])
    expect(said).toBeGreaterThan(limit * 0.97)
    expect(said).toBeLessThanOrEqual(limit)
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

  it.each(documents)('link only to files that exist: %s', (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link ?? '')
    const folder = join(path, '..')
    expect(links.filter((link) => !ts.sys.fileExists(join(ROOT, folder, link)))).toEqual([])
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
