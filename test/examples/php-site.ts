import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { PATIENCE } from '../browser/chromium.js'
import { findFreePort } from '../browser/relay-process.js'

export const EXAMPLE = fileURLToPath(new URL('../../examples/php/', import.meta.url))
const UMD = fileURLToPath(new URL('../../dist/umd/signalpost.min.js', import.meta.url))

export const HAS_PHP =
  spawnSync('php', ['-r', 'exit(PHP_VERSION_ID >= 80100 && extension_loaded("curl") ? 0 : 1);']).status === 0

export const PHP_ADVICE = 'PHP 8.1 with its extension curl was not found: run apt-get install php-cli php-curl.'

/** The settings of `app/Config/SignalRelay.php`. */
export interface PhpSettings {
  /** The relay for PHP. */
  readonly url: string
  /** The relay for browsers. */
  readonly pageUrl: string
  readonly publishKey: string
  readonly authSecret?: string
}

export interface PhpSite {
  /** The address of the report, with a slash at its end. */
  readonly page: string
  /** What PHP logged. */
  log(): string
  /** Runs PHP from the command line, and gives its exit code and all that it wrote. */
  run(...args: string[]): Promise<{ readonly code: number; readonly text: string }>
}

/** A copy of the example, served by PHP's own server, for one test. */
export async function openPhpSite(settings: PhpSettings): Promise<PhpSite> {
  const folder = await mkdtemp(join(tmpdir(), 'signalpost-php-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(EXAMPLE, folder, { recursive: true, filter: (file) => !file.includes('writable') })
  await cp(UMD, join(folder, 'public/signalpost.min.js'))

  const named = Object.entries(settings).map(([name, value]) => [`signalrelay_${name}`, value])
  // A browser keeps connections open, and each of them occupies a worker.
  const env = { ...process.env, ...Object.fromEntries(named), PHP_CLI_SERVER_WORKERS: '8' }
  const port = await findFreePort()
  const args = ['-S', `localhost:${port}`, '-t', 'public', 'public/index.php']
  // A group of its own, because its workers outlive it.
  const server = spawn('php', args, { cwd: folder, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr.on('data', (bytes) => (log += String(bytes)))
  onTestFinished(async () => {
    const exit = once(server, 'exit')
    if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL')
    await exit
  })

  const page = `http://localhost:${port}/`
  const end = Date.now() + PATIENCE
  while (!(await isAnswering(page))) {
    if (server.exitCode !== null || Date.now() > end) throw new Error(`PHP's server did not start: ${log}`)
    await sleep(50)
  }

  return {
    page,
    log: () => log,
    run: (...rest) =>
      new Promise((resolve) => {
        execFile('php', rest, { cwd: folder, env }, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr })
        })
      }),
  }
}

async function isAnswering(page: string): Promise<boolean> {
  try {
    await fetch(page)
    return true
  } catch {
    return false
  }
}
