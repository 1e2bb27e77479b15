import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { ROOT } from '../package/root.js'
import { BASE, makeFolder, readKit, run, startRelay } from './fixtures.js'
import { copyAsDocker, unpackSignalpost } from './packed.js'

/**
 * What can be shown of the Dockerfile without Docker: a linter takes it, and its instructions, walked through by hand in
 * a folder, end in a relay that its own health check finds well. The base image is replaced by this machine.
 */
const LINTER = join(ROOT, 'test/deploy/node_modules/dockerfile-utils')

interface Instruction {
  readonly name: string
  readonly text: string
}

const instructions = read(readKit('Dockerfile'))

describeWhere(existsSync(LINTER), 'The linter is missing: npm ci --prefix test/deploy.')('the Dockerfile', () => {
  it('has nothing that the linter minds', () => {
    const { validate } = createRequire(import.meta.url)(LINTER) as { validate(text: string): unknown[] }
    expect(validate('FROM a\nUSR b')).toHaveLength(1)
    expect(validate(readKit('Dockerfile'))).toEqual([])
  })

  it('names its base image by tag and digest', () => {
    expect(instructions.filter(({ name }) => name === 'FROM').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^node:\d+\.\d+\.\d+-alpine@sha256:[0-9a-f]{64}$/),
    ])
    // A frontend image would be one more that somebody else can exchange.
    expect(readKit('Dockerfile')).not.toMatch(/^# *syntax=/m)
  })

  it('copies only files that the ignore file leaves in the context', () => {
    const [everything, ...kept] = readKit('Dockerfile.dockerignore').trim().split('\n')
    const copied = instructions.filter(({ name }) => name === 'COPY').map(({ text }) => text.split(' ')[0])
    expect([everything, ...kept.map((line) => line.replace('!', ''))]).toEqual(['*', ...copied])
  })

  it('makes of the package a relay that runs as it says, and whose health check tells well from ill', async () => {
    const context = await unpackSignalpost()
    const relay = await makeFolder()
    for (const { name, text } of instructions) if (name === 'COPY') await copyAsDocker(text, context, relay)
    const [, file = '', ...args] = list(find('ENTRYPOINT'))
    const environment = Object.fromEntries(
      find('ENV')
        .split(' ')
        .map((setting) => setting.split('=')),
    )
    const port = await findFreePort()
    const running = await startRelay(join(relay, file), port, environment)
    const [, ...check] = list(find('HEALTHCHECK').replace(/^.*CMD /, ''))
    const env = { SIGNALPOST_PORT: String(port), SIGNALPOST_BASE: BASE }
    const isWell = (): Promise<{ code: number }> => run(process.execPath, check, { env })
    const page = await fetch(`http://127.0.0.1:${port}${BASE}/`)
    const script = await fetch(`http://127.0.0.1:${port}${BASE}/signalpost.min.js`)
    const licenses = await readFile(join(relay, 'dist/relay/THIRD-PARTY-LICENSES.txt'), 'utf8')
    const well = await isWell()
    await running.stop()
    const ill = await isWell()
    expect([args, find('USER'), environment.SIGNALPOST_HOST]).toEqual([['relay'], 'node', '0.0.0.0'])
    expect(licenses).toContain('ws 8.')
    expect([page.status, script.status, well.code, ill.code]).toEqual([200, 200, 0, 1])
  })
})

/** The instructions of the file, each on one line. */
function read(text: string): Instruction[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  return lines.filter(Boolean).map((line) => {
    const [name = '', ...rest] = line.split(' ')
    return { name, text: rest.join(' ').trim() }
  })
}

function find(wanted: string): string {
  return instructions.find(({ name }) => name === wanted)?.text ?? ''
}

function list(text: string): string[] {
  return JSON.parse(text) as string[]
}
