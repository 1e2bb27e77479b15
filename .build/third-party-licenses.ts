import type { BuildOptions, Metafile, Plugin } from 'esbuild'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

/** SPDX identifiers of licenses that ask for no more than their text and the copyright notice. */
const ALLOWED_LICENSES: ReadonlySet<unknown> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
])

const LICENSE_FILE = /^(?:licen[sc]e|copying)(?:-[\w.-]+)?(?:\.(?:md|txt))?$/i
const NOTICE_FILE = /^notice(?:-[\w.-]+)?(?:\.(?:md|txt))?$/i

/** A block comment, or a run of line comments. */
const COMMENTS = /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n)+/gm
const NOTICE_COMMENT = /copyright|licen[sc]e|@preserve|^\/\*!/i

/** Apache-2.0 asks for a copy of itself, which packages and comments often replace by its address. */
const APACHE_MENTION = /Apache License/
const APACHE_TERMS = 'TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION'

const RULE = '='.repeat(80)

interface BundledPackage {
  readonly title: string
  readonly license: unknown
  readonly licenseTexts: readonly string[]
  readonly notices: readonly string[]
}

/**
 * Adds a file with the license texts and notices of every package in the bundle, next to the bundle. The build fails if a
 * package has no license text, or a license that is not in the list of allowed ones.
 *
 * @param file Name of the added file. It is not written if the bundle contains no package.
 */
export function thirdPartyLicenses(file: string): Plugin {
  return {
    name: 'third-party-licenses',
    setup({ initialOptions, onEnd }) {
      initialOptions.metafile = true
      // The file has these comments, together with those that esbuild does not recognize.
      initialOptions.legalComments = 'none'
      onEnd(({ metafile, outputFiles }) => {
        if (!metafile) return undefined
        const packages = bundledPackages(metafile, initialOptions)
        const errors = packages.flatMap(problemsOf).map((text) => ({ text }))
        if (packages.length === 0 || errors.length > 0) return { errors }
        const text = format(packages)
        const path = resolve(initialOptions.outdir ?? '.', file)
        outputFiles?.push({ path, text, contents: new TextEncoder().encode(text), hash: '' })
        return undefined
      })
    },
  }
}

/** The packages that esbuild took code from, ordered by name. */
function bundledPackages({ outputs }: Metafile, { absWorkingDir = process.cwd() }: BuildOptions): BundledPackage[] {
  const files = new Map<string, Set<string>>()
  for (const { inputs } of Object.values(outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []
      if (folder && bytesInOutput > 0) files.set(folder, (files.get(folder) ?? new Set()).add(input))
    }
  }
  return [...files]
    .map(([folder, inputs]) => readPackage(join(absWorkingDir, folder), [...inputs].toSorted(), absWorkingDir))
    .toSorted((one, other) => one.title.localeCompare(other.title, 'en'))
}

function readPackage(folder: string, inputs: readonly string[], root: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly version: string
    readonly license?: unknown
  }
  const textsOf = (pattern: RegExp): string[] =>
    readdirSync(folder)
      .filter((entry) => pattern.test(entry))
      .toSorted()
      .map((entry) => readFileSync(join(folder, entry), 'utf8').trim())
      .filter(Boolean)
  const comments = inputs.flatMap((input) => noticeComments(readFileSync(join(root, input), 'utf8')))
  return {
    title: `${name} ${version}`,
    license,
    licenseTexts: textsOf(LICENSE_FILE),
    notices: [...textsOf(NOTICE_FILE), ...new Set(comments)],
  }
}

/** Comments that speak of a copyright or a license: code of others inside a package. */
function noticeComments(source: string): string[] {
  return (source.match(COMMENTS) ?? []).filter((comment) => NOTICE_COMMENT.test(comment)).map((text) => text.trim())
}

function problemsOf({ title, license, licenseTexts }: BundledPackage): string[] {
  const problems: string[] = []
  if (!ALLOWED_LICENSES.has(license)) {
    const stated = license === undefined ? 'no license' : `the license ${JSON.stringify(license)}`
    problems.push(
      `${title} states ${stated}. Bundle another package, or review the license and add it to ALLOWED_LICENSES.`,
    )
  }
  if (licenseTexts.length === 0) {
    problems.push(`${title} has no license file. Bundle a version or another package that has one.`)
  }
  return problems
}

function format(packages: readonly BundledPackage[]): string {
  const sections = packages.map(({ title, license, licenseTexts, notices }) =>
    section(`${title} (${String(license)})`, [...licenseTexts, ...notices]),
  )
  const text = ['This folder contains code of the following packages.', ...sections].join('\n\n')
  if (!APACHE_MENTION.test(text) || text.includes(APACHE_TERMS)) return `${text}\n`
  return `${text}\n\n${section('Apache License, Version 2.0', [apacheLicense()])}\n`
}

function section(title: string, texts: readonly string[]): string {
  return [`${RULE}\n${title}\n${RULE}`, ...texts].join('\n\n').replaceAll(/\r\n?/g, '\n')
}

function apacheLicense(): string {
  const path = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../LICENSE.txt')
  const text = readFileSync(path, 'utf8').trim()
  if (!text.includes(APACHE_TERMS)) throw new Error(`${path} is no longer the Apache License. Take it from elsewhere.`)
  return text
}
