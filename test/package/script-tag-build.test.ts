import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire, SourceMap, type SourceMapPayload } from 'node:module'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import * as html from '../../src/html/index.js'
import * as core from '../../src/index.js'
import * as refresh from '../../src/refresh/index.js'
import { ROOT } from './root.js'

const read = (file: string): string => readFileSync(join(ROOT, 'dist/umd', file), 'utf8')

describe.each(['signalpost.js', 'signalpost.min.js'])('the script-tag build %s', (file) => {
  it('has every export of the core, of refresh and of html', () => {
    const api = createRequire(import.meta.url)(join(ROOT, 'dist/umd', file)) as object
    expect(Object.keys(api).toSorted()).toEqual(Object.keys({ ...core, ...html, ...refresh }).toSorted())
  })

  it('makes one name global', () => {
    const page: Record<string, unknown> = {
      Error,
      EventTarget,
      Event,
      Symbol,
      URL,
      Map,
      Set,
      Date,
      JSON,
      Promise,
      performance,
    }
    page.globalThis = page
    const before = Object.keys(page)
    runInNewContext(read(file), page)
    expect(Object.keys(page).filter((name) => !before.includes(name))).toEqual(['Signalpost'])
  })

  it('has a source map that leads to the lines of the source', () => {
    const text = read(file)
    const map = new SourceMap(JSON.parse(read(`${file}.map`)) as SourceMapPayload)
    const sentence = 'This page has no signal client yet'
    const lines = text.split('\n')
    const line = lines.findIndex((content) => content.includes(sentence))
    const { originalSource, originalLine } = map.findEntry(line, lines[line]?.indexOf(sentence) ?? 0) as {
      originalSource: string
      originalLine: number
    }
    expect(originalSource).toMatch(/\/src\/page-client\.ts$/)
    const source = readFileSync(join(ROOT, 'src/page-client.ts'), 'utf8').split('\n')
    expect(source[originalLine]).toContain(sentence)
  })
})

it('the hashes of the scripts are those of the attribute integrity', () => {
  const hashes = JSON.parse(read('integrity.json')) as Record<string, string>
  expect(Object.keys(hashes)).toEqual([
    'signalpost.min.js',
    'signalpost.js',
    'signalpost-inspector.js',
    'signalpost-morph.min.js',
    'signalpost-fallback.min.js',
    'signalpost-tabs.min.js',
    'signalpost-worker.min.js',
  ])
  for (const [name, hash] of Object.entries(hashes)) {
    expect(hash).toBe(`sha384-${createHash('sha384').update(read(name)).digest('base64')}`)
  }
})
