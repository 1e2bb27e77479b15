import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, it, onTestFinished, vi } from 'vitest'
import { textsUnder } from '../package/blocks.js'
import { ROOT } from '../package/root.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { BASE, cleanEnvironment, makeFolder, type Outcome, PATIENCE, run, startRelay } from './fixtures.js'
import { ask, NGINX, NGINX_ADVICE, OPENSSL, UPGRADE } from './nginx.js'
import { packSignalpost } from './packed.js'
import { findProgram } from './programs.js'

/**
 * DEPLOY.md is typed from its beginning, on a machine that has nothing of it, with the package of this checkout. The
 * machine's folders are below a folder of the test. Not run: what needs a running systemd, a public name, or Docker.
 */
const GUIDE = 'examples/relay/DEPLOY.md'
const ELSEWHERE = /^sudo (systemctl|certbot|ln -sf \/etc\/letsencrypt\S+|docker|ufw) |crontab/
const TOOLS = NGINX && OPENSSL && findProgram('systemd-analyze')
const ADVICE = `${NGINX_ADVICE} And: apt-get install systemd.`

describeWhere(TOOLS, ADVICE)('DEPLOY.md, typed as it stands', () => {
  it('ends in a relay behind TLS, with systemd and nginx', async () => {
    const machine = await createMachine()
    const failed = [
      ...(await machine.typeSection('Install')),
      ...(await machine.typeSection('systemd')),
      ...(await machine.typeSection('nginx and TLS')),
    ]
    expect(failed).toEqual([])

    const settings = machine.path('/etc/signalpost/relay.env')
    const env = readEnvironment(settings)
    const { SIGNALPOST_PUBLISH_KEY: key = '' } = env
    expect([statSync(settings).mode & 0o777, statSync(dirname(settings)).mode & 0o777]).toEqual([0o600, 0o700])
    expect(env).toMatchObject({ SIGNALPOST_ORIGIN: 'https://example.com', SIGNALPOST_TRUST_PROXY: '1' })
    expect([key, env.SIGNALPOST_DASHBOARD_KEY]).toEqual([
      expect.stringMatching(/^shop:[0-9a-f]{48}$/),
      expect.stringMatching(/^[0-9a-f]{48}$/),
    ])

    const unit = machine.path('/etc/systemd/system/signalpost-relay.service')
    expect(await run('systemd-analyze', ['verify', '--man=no', unit])).toEqual({ code: 0, text: '' })
    const [program, file = '', command] = valueOf(unit, 'ExecStart').split(' ')
    expect([program, command, valueOf(unit, 'EnvironmentFile')]).toEqual([process.execPath, 'relay', settings])
    await startRelay(file, machine.port, env)

    const nginx = await machine.startNginx()
    const upgrade = await ask(nginx, `${BASE}/signals`, { headers: UPGRADE })
    const outside = await ask(nginx, '/signalpost/publish', { method: 'POST', from: '127.0.0.2' })
    const headers = { Authorization: `Bearer ${key.slice('shop:'.length)}`, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ signal: 'Test' })
    const published = await ask(nginx, '/signalpost/publish', { method: 'POST', headers, body })
    expect([upgrade.status, outside.status, published.status]).toEqual([101, 403, 200])
  })

  it('ends in a relay under PM2, in a folder of a user', async () => {
    const machine = await createMachine()
    onTestFinished(async () => void (await machine.type('cd ~/signalpost\nnpx pm2 kill')))
    expect(await machine.typeSection('PM2')).toEqual([])
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${machine.port}${BASE}/ready`).catch(() => undefined)
      return answer?.ok === true
    }
    await vi.waitUntil(isReady, PATIENCE)
    const folder = machine.path('~/signalpost')
    expect(statSync(join(folder, 'relay.env')).mode & 0o777).toBe(0o600)
    expect(existsSync(machine.path('~/.pm2/dump.pm2'))).toBe(true)
  })

  it('names every file that the package has for it, and no other', async () => {
    const text =
      readFileSync(join(ROOT, GUIDE), 'utf8') + readFileSync(join(ROOT, dirname(GUIDE), 'PROXIES.md'), 'utf8')
    const files = (await readdir(join(ROOT, dirname(GUIDE), 'deploy'))).filter((name) => !name.endsWith('ignore'))
    expect(files.filter((name) => !text.includes(`](deploy/${name})`))).toEqual([])
    const typed = [...text.matchAll(/\/deploy\/([\w.-]+\.\w+|Dockerfile)/g)].map(([, name]) => name ?? '')
    expect(typed.filter((name) => !files.includes(name))).toEqual([])
  })
})

/** A folder in place of the machine, and a shell whose commands stay in it. */
async function createMachine() {
  const root = await makeFolder()
  await run('chmod', ['755', root])
  for (const folder of ['opt', 'home', 'etc/nginx/conf.d', 'etc/systemd/system', 'var/www/html']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  const tarball = await packSignalpost()
  const port = await findFreePort()
  const [http, https] = [await findFreePort(), await findFreePort()]
  const env = {
    ...cleanEnvironment(),
    HOME: join(root, 'home'),
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  }
  const nginxFile = path('/etc/nginx/nginx.conf')
  const errors = join(root, 'error.log')
  await writeFile(
    nginxFile,
    `pid ${root}/nginx.pid;
error_log ${errors};
events {}
http { access_log off; include conf.d/*.conf; }
`,
  )

  function path(name: string): string {
    return name.replace(/^~/, '/home').replace(/^\//, `${root}/`)
  }

  function adapt(command: string): string {
    return command
      .replaceAll(/(^|\| )sudo /gm, '$1')
      .replaceAll(/(?<=^|[\s|])\/(opt|etc|var)\//gm, `${root}/$1/`)
      .replace(/(npm install .*)\bsignalpost\b/, `$1${tarball}`)
      .replace(/ pm2$/, ` ${join(ROOT, 'test/deploy/node_modules/pm2')}`)
      .replace('signalpost-relay-8081', `signalpost-relay-${port}`)
      .replace('nginx -t', `${NGINX} -t -c ${nginxFile} -e ${errors}`)
  }

  /** The files name folders of the machine and well-known ports. */
  async function adaptFiles(): Promise<void> {
    const folders = [
      '/etc/nginx/conf.d',
      '/etc/nginx/snippets',
      '/etc/systemd/system',
      '/etc/signalpost',
      '~/signalpost',
    ]
    for (const folder of folders.map(path).filter((each) => existsSync(each))) {
      for (const name of (await readdir(folder)).filter((each) => /\.(conf|service|env)$/.test(each))) {
        await writeFile(join(folder, name), adaptFile(await readFile(join(folder, name), 'utf8')))
      }
    }
  }

  function adaptFile(text: string): string {
    return text
      .replaceAll('127.0.0.1:8081', `127.0.0.1:${port}`)
      .replaceAll(/(?<=[\s=])\/(opt|etc\/signalpost|var)\//g, `${root}/$1/`)
      .replaceAll(/listen (\[::\]:)?80;/g, (_, six?: string) => (six ? '' : `listen 127.0.0.1:${http};`))
      .replaceAll(/listen (\[::\]:)?443 ssl;/g, (_, six?: string) => (six ? '' : `listen 127.0.0.1:${https} ssl;`))
      .replace(/^(?!.*SIGNALPOST_PORT)(?=[\s\S]*SIGNALPOST_ORIGIN)/, `SIGNALPOST_PORT=${port}\n`)
  }

  function type(commands: string): Promise<Outcome> {
    return run('bash', ['-ec', adapt(commands)], { env, cwd: root })
  }

  /** Types the commands of a section, in the folder of its last `cd`, and returns the commands that failed. */
  async function typeSection(heading: string): Promise<(readonly [string, string])[]> {
    const failed: (readonly [string, string])[] = []
    let typed = ''
    for (const block of textsUnder(GUIDE, heading, 'sh')) {
      for (const line of block
        .trim()
        .split('\n')
        .filter((each) => !ELSEWHERE.test(each))) {
        const isPlace = line.startsWith('cd ')
        if (isPlace) typed = `${line}\n`
        const { code, text } = await type(isPlace ? typed : typed + line)
        if (code !== 0) failed.push([line, text])
        await adaptFiles()
      }
    }
    return failed
  }

  async function startNginx() {
    const child = spawn(NGINX ?? '', ['-c', nginxFile, '-e', errors, '-g', 'daemon off;'], { stdio: 'ignore' })
    onTestFinished(async () => {
      const exit = once(child, 'exit')
      if (child.kill('SIGTERM')) await exit
    })
    const certificate = path('/etc/signalpost/fullchain.pem')
    const nginx = { folder: root, file: nginxFile, errors, http, https, certificate }
    await vi.waitUntil(() => ask(nginx, '/').catch(() => undefined), PATIENCE)
    return nginx
  }

  return { path, port, type, typeSection, startNginx }
}

function readEnvironment(file: string): Record<string, string> {
  return parseEnv(readFileSync(file, 'utf8')) as Record<string, string>
}

function valueOf(unit: string, key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(readFileSync(unit, 'utf8'))?.[1] ?? ''
}
