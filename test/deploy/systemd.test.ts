import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { connect } from '../relay/protocol-client.js'
import { BASE, installSignalpost, makeFolder, PATIENCE, readKit, run, startRelay } from './fixtures.js'
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
        .replace(/ SIGNALPOST_ENV_FILE=\S+/, '')
        .split(' ')
        .map((setting) => setting.split('=')),
    )
    const { folder, main } = await installSignalpost()
    expect(readCommand(args, environment, '')).toMatchObject({ run: 'relay', settings: { port } })
    expect(file.replace('/opt/signalpost', folder)).toBe(main)
    expect(program).toBe('/usr/bin/node')
  })

  it('reloads settings that only root may read, and keeps the connections', async () => {
    const { main, folder } = await installSignalpost()
    await chmod(folder, 0o755)
    const [settings, runtime] = [join(folder, 'relay.env'), join(folder, 'run')]
    await writeFile(settings, 'SIGNALPOST_ORIGIN=https://example.com\n', { mode: 0o600 })
    await mkdir(runtime, { mode: 0o700 })
    // The user of the relay owns the directory.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    if (user.uid !== undefined) await chown(runtime, user.uid, user.gid)
    const place = (command: string): string =>
      command.replaceAll('/etc/signalpost/relay.env', settings).replaceAll('%t/%N', runtime)
    const copied = await run('sh', ['-c', place(valueOf('ExecStartPre').replace('+', ''))])
    const copy = join(runtime, 'relay.env')
    const seen = execFileSync('cat', [copy], { ...user, encoding: 'utf8' })
    expect([copied.code, seen, valueOf('RuntimeDirectoryMode')]).toEqual([0, readFileSync(settings, 'utf8'), '0700'])

    const start = { SIGNALPOST_ORIGIN: 'https://example.com', SIGNALPOST_ENV_FILE: copy }
    const relay = await startRelay(main, await findFreePort(), start)
    const page = await connect(`ws://127.0.0.1:${relay.port}${BASE}/signals`, { origin: 'https://example.com' })
    await page.next('joined')
    await writeFile(settings, 'SIGNALPOST_ORIGIN=https://shop.example\n')
    const [, ...reloads] = [...UNIT.matchAll(/^Exec(?:StartPre|Reload)=\+?(.*)$/gm)].map(([, command = '']) =>
      place(command),
    )
    const outcomes = []
    for (const command of reloads) {
      outcomes.push(await run('sh', ['-c', command.replace('$MAINPID', String(relay.pid))]))
    }
    await vi.waitUntil(() => relay.log().includes('the settings were read again'), PATIENCE)
    const moved = await connect(`ws://127.0.0.1:${relay.port}${BASE}/signals`, { origin: 'https://shop.example' })
    await moved.next('joined')
    moved.signal('Saved')
    expect((await page.next('signal')).signal).toBe('Saved')
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
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
