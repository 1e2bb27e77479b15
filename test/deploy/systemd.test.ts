import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { installSignalpost, makeFolder, readKit, run, startRelay } from './fixtures.js'
import { findProgram } from './programs.js'

const UNIT = readKit('signalpost-relay.service')
const ANALYZE = findProgram('systemd-analyze')
const ADVICE = 'systemd-analyze is missing: apt-get install systemd.'

describeWhere(ANALYZE, ADVICE)('signalpost-relay.service', () => {
  it.each(['signalpost-relay.service', 'signalpost-relay@8082.service'])(
    'is a unit that systemd takes: %s',
    async (name) => {
      const unit = await install(name)
      expect(await run(ANALYZE ?? '', ['verify', '--man=no', unit])).toEqual({ code: 0, text: '' })
    },
  )

  it('leaves the relay next to nothing that it could harm', async () => {
    const unit = await install('signalpost-relay.service')
    const { code, text } = await run(ANALYZE ?? '', ['security', '--offline=true', '--threshold=15', unit])
    expect({ code, verdict: text.split('\n').findLast((line) => line.includes('exposure level')) }).toMatchObject({
      code: 0,
    })
  })

  it.each([
    ['', 8081],
    ['8082', 8082],
  ])('starts the relay of the package, as instance "%s" on port %i', async (instance, port) => {
    const [program, file = '', ...args] = valueOf('ExecStart').split(' ')
    const environment = Object.fromEntries(
      valueOf('Environment')
        .replaceAll('%i', instance)
        .split(' ')
        .map((setting) => setting.split('=')),
    )
    const { folder, main } = await installSignalpost()
    expect(readCommand(args, environment, '')).toMatchObject({ run: 'relay', settings: { port } })
    expect(file.replace('/opt/signalpost', folder)).toBe(main)
    expect(program).toBe('/usr/bin/node')
  })

  it('gives the relay the time that it takes to let its clients go', async () => {
    const { main } = await installSignalpost()
    const relay = await startRelay(main, await findFreePort())
    expect(await relay.stop()).toBe(0)
    expect(Number(valueOf('TimeoutStopSec'))).toBeGreaterThan(10)
  })
})

/** Lays the unit down as an administrator would, with the Node that is here. */
async function install(name: string): Promise<string> {
  const unit = join(await makeFolder(), name)
  await writeFile(unit, UNIT.replace('/usr/bin/node', process.execPath))
  return unit
}

function valueOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)?.[1] ?? ''
}
