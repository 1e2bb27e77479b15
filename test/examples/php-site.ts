import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { PATIENCE } from '../browser/chromium.js'
import { findFreePort } from '../support/free-port.mjs'

export const EXAMPLE = fileURLToPath(new URL('../../examples/php/', import.meta.url))
const UMD = fileURLToPath(new URL('../../dist/umd/signalpost.min.js', import.meta.url))

export const HAS_PHP =
  spawnSync('php', ['-r', 'exit(PHP_VERSION_ID >= 80100 && extension_loaded("curl") ? 0 : 1);']).status === 0

/** A folder with the application starter of CodeIgniter 4, which then takes the place of the stand-in. */
export const CODEIGNITER = process.env.CODEIGNITER

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
  /** Saves an income with no browser. */
  addIncome(...args: string[]): Promise<PhpOutput>
  /** Runs PHP from the command line. */
  run(...args: string[]): Promise<PhpOutput>
}

interface PhpOutput {
  readonly code: number
  readonly text: string
}

/** A copy of the example, served by PHP's own server, for one test. */
export async function openPhpSite(settings: PhpSettings): Promise<PhpSite> {
  const folder = await mkdtemp(join(tmpdir(), 'signalpost-php-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const router = await (CODEIGNITER ? installInCodeIgniter(CODEIGNITER, folder) : installWithStandIn(folder))
  await cp(UMD, join(folder, 'public/signalpost.min.js'))

  const port = await findFreePort()
  const page = `http://localhost:${port}/`
  const named = Object.entries(settings).map(([name, value]) => [`signalrelay_${name}`, value])
  const framework = { CI_ENVIRONMENT: 'development', app_baseURL: page, app_indexPage: '' }
  // A browser keeps connections open, and each of them occupies a worker.
  const env = { ...process.env, ...framework, ...Object.fromEntries(named), PHP_CLI_SERVER_WORKERS: '8' }
  const args = ['-S', `localhost:${port}`, '-t', 'public', router]
  // A group of its own, because its workers outlive it.
  const server = spawn('php', args, { cwd: folder, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr.on('data', (bytes) => (log += String(bytes)))
  onTestFinished(async () => {
    const exit = once(server, 'exit')
    if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL')
    await exit
  })

  const end = Date.now() + PATIENCE
  while (!(await isAnswering(page))) {
    if (server.exitCode !== null || Date.now() > end) throw new Error(`PHP's server did not start: ${log}`)
    await sleep(50)
  }

  return {
    page,
    log: () => log + logsOfCodeIgniter(folder),
    addIncome: (...rest) =>
      run(CODEIGNITER ? ['spark', 'income:add', ...rest, '--no-header'] : ['publish-from-script.php', ...rest]),
    run: (...rest) => run(rest),
  }

  function run(rest: readonly string[]): Promise<PhpOutput> {
    return new Promise((resolve) => {
      execFile('php', rest, { cwd: folder, env }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: stdout + stderr })
      })
    })
  }
}

async function installWithStandIn(folder: string): Promise<string> {
  await cp(EXAMPLE, folder, { recursive: true, filter: (file) => !file.includes('writable') })
  return 'public/index.php'
}

/** Copies the example into a new application of CodeIgniter, as its README says, with the filter against forged forms. */
async function installInCodeIgniter(starter: string, folder: string): Promise<string> {
  await cp(starter, folder, { recursive: true, dereference: true })
  const isOurs = (file: string): boolean => !file.endsWith('BaseController.php')
  await cp(join(EXAMPLE, 'app'), join(folder, 'app'), { recursive: true, filter: isOurs })
  await cp(join(EXAMPLE, 'public/style.css'), join(folder, 'public/style.css'))
  const filters = join(folder, 'app/Config/Filters.php')
  await writeFile(filters, (await readFile(filters, 'utf8')).replace("// 'csrf'", "'csrf'"))
  const systems = ['vendor/codeigniter4/framework/system', 'system']
  return `${systems.find((system) => existsSync(join(folder, system)))}/rewrite.php`
}

function logsOfCodeIgniter(folder: string): string {
  const logs = join(folder, 'writable/logs')
  if (!existsSync(logs)) return ''
  const files = readdirSync(logs).filter((file) => file.endsWith('.log'))
  return files.map((file) => readFileSync(join(logs, file), 'utf8')).join('')
}

async function isAnswering(page: string): Promise<boolean> {
  try {
    await fetch(page)
    return true
  } catch {
    return false
  }
}
