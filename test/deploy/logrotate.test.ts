import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { cleanEnvironment, installSignalpost, PATIENCE, readKit, run } from './fixtures.js'
import { findProgram } from './programs.js'

const LOGROTATE = findProgram('logrotate')

describeWhere(LOGROTATE, 'logrotate is missing: apt-get install logrotate.')('logrotate.conf', () => {
  it('moves the log away, and the relay writes on in a new file', async () => {
    const { main, folder } = await installSignalpost()
    const log = join(folder, 'relay.log')
    const port = await findFreePort()
    const env = { ...cleanEnvironment(), SIGNALPOST_PORT: String(port), SIGNALPOST_LOG_FILE: log }
    const { pid } = spawn(process.execPath, [main, 'relay'], { env, stdio: 'ignore' })
    onTestFinished(() => void process.kill(pid ?? 0, 'SIGKILL'))
    await vi.waitUntil(async () => (await read(log)).includes('listening'), PATIENCE)
    const file = join(folder, 'logrotate.conf')
    const conf = readKit('logrotate.conf')
      .replaceAll('/var/log/signalpost-relay/relay.log', log)
      .replace('systemctl reload signalpost-relay', `kill -HUP ${pid}`)
    await writeFile(file, conf, { mode: 0o644 })
    const rotated = await run(LOGROTATE ?? '', ['--force', '--state', join(folder, 'state'), file])
    expect(rotated).toEqual({ code: 0, text: '' })
    await vi.waitUntil(async () => (await read(log)).includes('read again'), PATIENCE)
    expect(await read(`${log}.1`)).toMatch(/listening(?![^]*read again)/)
  })
})

function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}
