import { build } from 'esbuild'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thirdPartyLicenses } from '../../.build/third-party-licenses.js'
import { ROOT } from './root.js'

const APACHE_TERMS = 'TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION'
const MIT_GRANT = 'Permission is hereby granted, free of charge'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Names and versions of the sections of a license file. */
function titlesOf(text: string): string[] {
  return [...text.matchAll(/^=+\n(\S+ \d\S*) \(\S+\)\n=+$/gm)].map(([, title]) => title ?? '')
}

/** Names and versions of the packages that some source files belong to. */
function packagesOf(sources: readonly string[]): string[] {
  const folders = sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source) ?? [])
  const titles = [...new Set(folders)].map((folder) => {
    const { name, version } = JSON.parse(read(join(folder, 'package.json'))) as { name: string; version: string }
    return `${name} ${version}`
  })
  return titles.toSorted()
}

describe('the license file of the module with another package inside', () => {
  it('names that package and its license', () => {
    const text = read('dist/connection/THIRD-PARTY-LICENSES.txt')
    const { sources } = JSON.parse(read('dist/connection/reconnecting-websocket.js.map')) as { sources: string[] }
    const paths = sources.map((source) => relative(ROOT, join(ROOT, 'dist/connection', source)))
    expect(titlesOf(text)).toEqual(packagesOf(paths))
    expect(titlesOf(text)).toEqual(['reconnecting-websocket 4.4.0'])
    expect(text).toContain(read('node_modules/reconnecting-websocket/LICENSE').trim())
    expect(text).toContain(APACHE_TERMS)
  })
})

describe('the license file of the script-tag build', () => {
  const text = read('dist/umd/THIRD-PARTY-LICENSES.txt')

  it.each(['signalpost.js', 'signalpost.min.js'])('names every package that the source map of %s names', (file) => {
    const { sources } = JSON.parse(read(`dist/umd/${file}.map`)) as { sources: string[] }
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const paths = sources.map((source) => relative(ROOT, join(ROOT, 'dist/umd', source)))
    expect(titlesOf(text)).toEqual(packagesOf(paths))
    expect(titlesOf(text)).toEqual(Object.entries(dependencies).map(([name, version]) => `${name} ${version}`))
  })

  it('has the license of each, and that of the code that one of them contains', () => {
    for (const name of ['mitt', 'reconnecting-websocket']) {
      expect(text).toContain(read(`node_modules/${name}/LICENSE`).trim())
    }
    expect(text).toContain('Copyright (c) Microsoft Corporation.')
    expect(text.split(APACHE_TERMS)).toHaveLength(2)
  })
})

describe('the license file of the relay', () => {
  const text = read('dist/relay/THIRD-PARTY-LICENSES.txt')

  it('names every package that a bundle of the relay has code of', async () => {
    const { metafile } = await build({
      entryPoints: ['examples/relay/main.ts', 'examples/relay/index.ts'],
      absWorkingDir: ROOT,
      outdir: 'dist/relay',
      bundle: true,
      splitting: true,
      minify: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
    })
    const sources = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
    )
    expect(titlesOf(text)).toEqual(packagesOf(sources))
  })

  it('names what the relay stands on, with the licenses', () => {
    const names = titlesOf(text).map((title) => title.split(' ')[0])
    expect(names).toEqual(expect.arrayContaining(['ws', 'ioredis', 'jose', 'pino', 'prom-client']))
    expect(text).toContain(read('node_modules/ws/LICENSE').trim())
    expect(text).toContain(APACHE_TERMS)
  })

  it('has the notices that stand in the code only', () => {
    expect(text).toContain('Georges Menie')
    expect(text).toContain('Viva Republica')
  })
})

describe('a bundle', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalpost-licenses-'))
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }

  function install(path: string, license: unknown, files: Readonly<Record<string, string>>): void {
    const [name] = /(?:@[^/]+\/)?[^/]+$/.exec(path) ?? []
    const code = { 'index.js': `export const value = ${JSON.stringify(path)}` }
    write(`${path}/package.json`, JSON.stringify({ name, version: '1.2.3', main: 'index.js', license }))
    for (const [file, text] of Object.entries({ ...code, ...files })) write(`${path}/${file}`, text)
  }

  /** The license file of a bundle of an entry that uses some packages. */
  async function licensesOf(...names: readonly string[]): Promise<string | undefined> {
    const lines = names.map((name, index) => `import { value as v${index} } from '${name}'; console.log(v${index})`)
    write('entry.js', lines.join('\n'))
    const { outputFiles } = await build({
      entryPoints: ['entry.js'],
      absWorkingDir: folder,
      outdir: join(folder, 'dist'),
      bundle: true,
      write: false,
      format: 'esm',
      logLevel: 'silent',
      plugins: [thirdPartyLicenses('LICENSES.txt')],
    })
    return outputFiles.find(({ path }) => path === join(folder, 'dist/LICENSES.txt'))?.text
  }

  it('gets the license and the notice of each package, and of each of its versions', async () => {
    const code = `import { value as inner } from 'inner'; export const value = [inner]`
    install('node_modules/@scope/outer', 'ISC', { 'index.js': code, LICENCE: 'outer text' })
    install('node_modules/@scope/outer/node_modules/inner', 'MIT', { 'license.md': 'inner text', NOTICE: 'its notice' })
    install('node_modules/inner', 'BSD-3-Clause', { 'LICENSE.txt': 'other text' })
    const text = (await licensesOf('@scope/outer', 'inner')) ?? ''
    expect(titlesOf(text)).toEqual(['@scope/outer 1.2.3', 'inner 1.2.3', 'inner 1.2.3'])
    for (const part of ['outer text', 'inner text', 'its notice', 'other text']) expect(text).toContain(part)
  })

  it('gets no section for a package of which nothing is left', async () => {
    install('node_modules/unused', 'GPL-3.0-only', {})
    install('node_modules/used', 'MIT', { LICENSE: 'text', 'index.js': `import 'unused'; export const value = 1` })
    expect(titlesOf((await licensesOf('used')) ?? '')).toEqual(['used 1.2.3'])
  })

  it('gets no file if it has no package inside', async () => {
    expect(await licensesOf()).toBeUndefined()
  })

  it('gets the Apache License where a package only names it', async () => {
    install('node_modules/short', 'Apache-2.0', { LICENSE: 'Licensed under the Apache License, Version 2.0' })
    expect(await licensesOf('short')).toContain(APACHE_TERMS)
    install('node_modules/plain', 'MIT', { LICENSE: MIT_GRANT })
    expect(await licensesOf('plain')).not.toContain(APACHE_TERMS)
  })

  it.each([
    ['has no license file', 'MIT', {}],
    ['has an empty license file', 'MIT', { LICENSE: '\n' }],
    ['has a notice only', 'MIT', { NOTICE: 'text' }],
  ])('fails if a package %s', async (_case, license, files) => {
    install('node_modules/bare', license, files)
    await expect(licensesOf('bare')).rejects.toThrow('bare 1.2.3 has no license file. Bundle a version')
  })

  it.each([
    ['"GPL-3.0-only"', 'GPL-3.0-only'],
    ['"MIT AND CC-BY-4.0"', 'MIT AND CC-BY-4.0'],
    ['{"type":"MIT"}', { type: 'MIT' }],
  ])('fails if a package states the license %s', async (stated, license) => {
    install('node_modules/strict', license, { LICENSE: 'text' })
    await expect(licensesOf('strict')).rejects.toThrow(`strict 1.2.3 states the license ${stated}. Bundle another`)
  })

  it('fails if a package states no license', async () => {
    install('node_modules/silent', undefined, { LICENSE: 'text' })
    await expect(licensesOf('silent')).rejects.toThrow('silent 1.2.3 states no license. Bundle another')
  })
})
