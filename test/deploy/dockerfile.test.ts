import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { ROOT } from '../package/root.js'
import { makeFolder, readKit, run, startRelay } from './fixtures.js'

/**
 * What can be shown of the Dockerfile without Docker: a linter takes it, and its instructions, walked through by hand in
 * a folder, end in a relay that its own health check finds well. `npm ci` is replaced by the packages that are installed
 * here, and the base image by this machine.
 */
const LINTER = join(ROOT, 'test/deploy/node_modules/dockerfile-utils')

interface Instruction {
  readonly name: string
  readonly text: string
}

describeWhere(existsSync(LINTER), 'The linter is missing: npm ci --prefix test/deploy.')('the Dockerfile', () => {
  it('has nothing that the linter minds', () => {
    const { validate } = createRequire(import.meta.url)(LINTER) as { validate(text: string): unknown[] }
    expect(validate('FROM a\nUSR b')).toHaveLength(1)
    expect(validate(readKit('Dockerfile'))).toEqual([])
  })

  it('names its base image by tag and digest', () => {
    const [base = [], ...others] = stages(readKit('Dockerfile'))
    expect(find(base, 'FROM')).toMatch(/^node:\d+\.\d+\.\d+-alpine@sha256:[0-9a-f]{64} AS node$/)
    expect(others.map((stage) => find(stage, 'FROM'))).toEqual(['node AS build', 'node'])
    // A frontend image would be one more that somebody else can exchange.
    expect(readKit('Dockerfile')).not.toMatch(/^# *syntax=/m)
  })

  it('builds a relay that runs as it says, and whose health check tells well from ill', async () => {
    const [, builder = [], image = []] = stages(readKit('Dockerfile'))
    const build = await makeFolder()
    const failures: unknown[] = []
    for (const { name, text } of builder) {
      if (name === 'COPY') await copy(text, ROOT, build)
      if (name !== 'RUN') continue
      if (text.startsWith('npm ci')) {
        await symlink(join(ROOT, 'node_modules'), join(build, 'node_modules'))
        continue
      }
      const outcome = await run('sh', ['-c', text], { cwd: build })
      if (outcome.code !== 0) failures.push(outcome)
    }
    expect(failures).toEqual([])
    const relay = await makeFolder()
    for (const { name, text } of image) {
      if (name === 'COPY') await copy(text.replace('--from=build /build/', ''), build, relay)
    }
    const [, file = '', ...args] = list(find(image, 'ENTRYPOINT'))
    const environment = Object.fromEntries(
      find(image, 'ENV')
        .split(' ')
        .map((setting) => setting.split('=')),
    )
    const port = await findFreePort()
    const running = await startRelay(join(relay, file), port, environment)
    const [, ...check] = list(find(image, 'HEALTHCHECK').replace(/^.*CMD /, ''))
    const isWell = (): Promise<{ code: number }> =>
      run(process.execPath, check, { env: { SIGNALPOST_PORT: String(port) } })
    const page = await fetch(`http://127.0.0.1:${port}/`)
    const script = await fetch(`http://127.0.0.1:${port}/signalpost.min.js`)
    const licenses = await readFile(join(relay, 'dist/relay/THIRD-PARTY-LICENSES.txt'), 'utf8')
    const well = await isWell()
    await running.stop()
    const ill = await isWell()
    expect([args, find(image, 'USER'), environment.SIGNALPOST_HOST]).toEqual([['relay'], 'node', '0.0.0.0'])
    expect(licenses).toContain('ws 8.')
    expect([page.status, script.status, well.code, ill.code]).toEqual([200, 200, 0, 1])
  })
})

/** The instructions of each stage, from FROM to FROM. */
function stages(text: string): Instruction[][] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  const instructions = lines.filter(Boolean).map((line) => {
    const [name = '', ...rest] = line.split(' ')
    return { name, text: rest.join(' ').trim() }
  })
  const starts = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []))
  return starts.map((start, index) => instructions.slice(start, starts[index + 1]))
}

function find(stage: readonly Instruction[], wanted: string): string {
  return stage.find(({ name }) => name === wanted)?.text ?? ''
}

function list(text: string): string[] {
  return JSON.parse(text) as string[]
}

/** A directory's content goes into the target, a file keeps its name. */
async function copy(text: string, from: string, to: string): Promise<void> {
  const parts = text.split(' ')
  const target = join(to, parts.at(-1) ?? '')
  for (const source of parts.slice(0, -1)) {
    const isFolder = (await stat(join(from, source))).isDirectory()
    const place = isFolder ? target : join(target, source)
    await mkdir(dirname(place), { recursive: true })
    await cp(join(from, source), place, { recursive: true, filter: (path) => !path.includes('node_modules') })
  }
}
