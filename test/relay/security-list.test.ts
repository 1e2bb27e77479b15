import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from '../package/root.js'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Manifest {
  readonly scripts: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}
const manifest = JSON.parse(read('package.json')) as Manifest

describe('pages and packages', () => {
  // What the dashboard shows is tested in Chromium (test/browser/dashboard.test.ts); here, that there is no other way.
  it('S48 the pages that show what clients said make no HTML out of it', () => {
    const pages = ['examples/relay/admin/dashboard', 'examples/playground'].flatMap((folder) =>
      filesIn(folder, '.js').map((file) => join(folder, file)),
    )
    const texts = pages.map((page) => [page, read(page)] as const)
    const unsafe = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(/
    expect(pages.length).toBeGreaterThan(3)
    expect(texts.filter(([, text]) => unsafe.test(text)).map(([page]) => page)).toEqual([])
    expect(texts.some(([, text]) => text.includes('textContent'))).toBe(true)
  })

  // The documents show the script on the site's own server, which needs no check; one from elsewhere must have all three.
  it('S50 no document shows a script of another server without its version, its hash and crossorigin', () => {
    const isCareless = (tag: string): boolean =>
      /src="(https?:)?\/\//.test(tag) &&
      !(/@\d+\.\d+\.\d+\//.test(tag) && /integrity="sha384-[\w+/]{64}"/.test(tag) && /crossorigin/.test(tag))
    const documents = ['README.md', ...filesIn('examples', '.md').map((file) => join('examples', file))].concat(
      filesIn('examples', '.html').map((file) => join('examples', file)),
    )
    const tags = documents.flatMap((document) => read(document).match(/<script[^>]*src=[^>]*>/g) ?? [])
    const careful = `<script src="https://cdn.example/signalpost@1.2.3/x.js" integrity="sha384-${'A'.repeat(64)}" crossorigin>`
    expect([isCareless(careful), isCareless(careful.replace('@1.2.3', '@1'))]).toEqual([false, true])
    expect(tags.length).toBeGreaterThan(2)
    expect(tags.filter(isCareless)).toEqual([])
  })

  it('S51 a release carries proof of where it was built, and no stored secret', () => {
    const workflows = filesIn('.github/workflows', '.yml').map((file) => read(join('.github/workflows', file)))
    const release = read('.github/workflows/release.yml')
    const uses = workflows.flatMap((text) => [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action ?? ''))
    expect(release.match(/npm publish .*/g)).toEqual([expect.stringMatching(/\.tgz" --provenance .*--ignore-scripts$/)])
    expect(workflows.filter((text) => /NPM_TOKEN|NODE_AUTH_TOKEN|secrets\./.test(text))).toEqual([])
    expect(uses.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([])
    expect(Object.keys(manifest.dependencies).toSorted()).toEqual(['mitt', 'reconnecting-websocket'])
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([])
  })

  it('S51 the job that may publish a release runs nothing but the publication of the tested file', () => {
    const [, jobList = ''] = read('.github/workflows/release.yml').split(/^jobs:$/m)
    const jobs = jobList.split(/^ {2}(?=\w+:$)/m).slice(1)
    const mayPublish = (job: string): boolean => job.includes('id-token: write')
    const [publisher = '', ...others] = jobs.filter(mayPublish)
    const steps = [...publisher.matchAll(/^ {6}- (uses: [\w/-]+|run: npm publish)/gm)].map(([, step]) => step)
    expect([jobs.length, others]).toEqual([2, []])
    expect(steps).toEqual(['uses: actions/setup-node', 'uses: actions/download-artifact', 'run: npm publish'])
    expect(publisher.match(/^ {6}- /gm)).toHaveLength(steps.length)
    expect(publisher).toMatch(/^ {4}needs: build\n[\s\S]*^ {4}environment: release$/m)
    expect(jobs.find((job) => !mayPublish(job))).toMatch(/bash \.ci\/run[\s\S]*npm pack --ignore-scripts[\s\S]*upload/)
  })

  // The relay is delivered with ws inside: whoever installs it cannot get an older one.
  it('S52 the relay is built with a ws that has every known mending', () => {
    const [major = 0, minor = 0] = (manifest.devDependencies.ws ?? '').split('.').map(Number)
    expect(major * 1000 + minor).toBeGreaterThanOrEqual(8023)
  })

  it('S52 what is installed, and so delivered, is that ws and no other', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> }
    const copies = Object.entries(lock.packages).filter(([path]) => /(^|\/)node_modules\/ws$/.test(path))
    const installed = JSON.parse(read('node_modules/ws/package.json')) as { version: string }
    const isMended = ([, { version = '' }]: (typeof copies)[number]): boolean => {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      return major * 1000 + minor >= 8023
    }
    expect(installed.version).toBe(lock.packages['node_modules/ws']?.version)
    expect(copies.filter((copy) => !isMended(copy))).toEqual([])
  })

  // Whole, with the packed file, in test/package/consumer.test.ts.
  it('S53 the package holds what was built, and nothing of what it was built from', () => {
    const answer = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [pack] = JSON.parse(answer) as { files: { path: string }[] }[]
    // Operators copy the files of deploy and monitoring to their places.
    const others = pack?.files
      .map(({ path }) => path)
      .filter(
        (path) => !/^(dist|examples\/(guides|relay\/(deploy|monitoring)))\/|^examples\/relay\/\w+\.md$/.test(path),
      )
    expect(others?.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  })
})

/** The numbers that must have a test, from and to; the numbers between the ranges belong to parts that are being written. */
const NUMBERS = [
  [1, 64],
  [66, 82],
] as const

describe('the security list', () => {
  it('has a test for each of its numbers', () => {
    const wanted = NUMBERS.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => `S${String(first + index).padStart(2, '0')}`),
    )
    const titles = filesIn('test', '.test.ts').flatMap((file) =>
      [...read(join('test', file)).matchAll(/['"`](S\d\d(?:(?:,| and) S\d\d)*) /g)].map(([, numbers]) => numbers ?? ''),
    )
    const named = new Set(titles.flatMap((title) => title.match(/S\d\d/g) ?? []))
    expect(wanted.filter((number) => !named.has(number))).toEqual([])
  })
})
