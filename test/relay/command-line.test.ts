import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bundleRelay } from './bundle.js'
import { connect, join } from './protocol-client.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
let folder = ''

beforeAll(async () => {
  const cache = joinPath(ROOT, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  folder = await mkdtemp(joinPath(cache, 'relay-'))
  await mkdir(joinPath(folder, 'dist', 'playground'), { recursive: true })
  await writeFile(joinPath(folder, 'dist', 'playground', 'index.html'), '<title>The test page</title>')
  await bundleRelay(folder)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIGNALPOST_')))
  const child = spawn(process.execPath, [joinPath(folder, 'dist', 'relay', 'main.js'), ...args], {
    env: { ...inherited, ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (bytes) => (out += String(bytes)))
  child.stderr.on('data', (bytes) => (err += String(bytes)))
  const exited = once(child, 'close').then(([code]: unknown[]) => ({ code, out, err }))
  return { child, exited }
}

async function firstLine(child: ChildProcessWithoutNullStreams): Promise<Record<string, string>> {
  for await (const line of lines(child)) return JSON.parse(line)
  throw new Error('It said nothing.')
}

async function* lines({ stdout }: ChildProcessWithoutNullStreams): AsyncGenerator<string> {
  let rest = ''
  for await (const bytes of stdout.iterator({ destroyOnReturn: false })) {
    rest += String(bytes)
    const parts = rest.split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}

describe('the command line', () => {
  it('prints help and the version', async () => {
    const { version } = JSON.parse(await readFile(joinPath(ROOT, 'package.json'), 'utf8'))
    const [bare, help, relayHelp, asked, askedOfRelay] = await Promise.all(
      [[], ['--help'], ['relay', '--help'], ['--version'], ['relay', '--version']].map((args) => start(args).exited),
    )
    expect(bare).toEqual(help)
    expect(help).toMatchObject({ code: 0, err: '', out: expect.stringContaining('signalpost relay [options]') })
    expect(relayHelp).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--max-buffered <bytes>') })
    expect(asked).toEqual({ code: 0, err: '', out: `${version}\n` })
    expect(askedOfRelay).toEqual(asked)
  })

  it.each<[string[], Record<string, string>, string]>([
    [['serve'], {}, 'unknown command "serve"'],
    [['relay', '--prot', '1'], {}, 'unknown option --prot'],
    [['relay', '-p', '1'], {}, 'unknown option -p'],
    [['relay', 'extra'], {}, '"extra" is not an option'],
    [['relay', '--port'], {}, '--port needs a value'],
    [['relay', '--port', 'http'], {}, '--port must be a whole number from 0 to 65535, not "http"'],
    [['relay', '--port=65536'], {}, '--port must be'],
    [['relay', '--history', '-1'], {}, '--history must be'],
    [['relay', '--origin', 'example.com'], {}, '--origin must be like https://example.com'],
    [['relay', '--origin', 'https://a.example/'], {}, '--origin must be like https://a.example,'],
    [['relay', '--origin', 'https://a.example,https://B.example'], {}, '--origin must be like https://b.example,'],
    [['relay', '--origin', ''], {}, '--origin needs a value'],
    [['relay', '--origin', ' , '], {}, '--origin needs a value'],
    [['relay', '--origin', 'ftp://x'], {}, '--origin must be like https://example.com'],
    [['relay', '--origin', 'wss://a.example'], {}, '--origin must be like https://example.com'],
    [['relay', '--auth-secret', ''], {}, '--auth-secret needs a value'],
    [['relay', '--path', 'signals'], {}, '--path must be a path like /signals'],
    [['relay', '--log-level', 'loud'], {}, '--log-level must be one of debug'],
    [['relay', '--publish-key', 'name:'], {}, '--publish-key must be a secret, or name:secret'],
    [['relay', '--log-file', '/dev/null/x'], {}, '--log-file /dev/null/x cannot be written'],
    [['relay', '--port', '0', '--log-file', '/dev/full'], {}, '--log-file /dev/full cannot be written (ENOSPC)'],
    [['relay', '--host', '203.0.113.1'], {}, '203.0.113.1 is not an address of this machine'],
    [['relay', '--workers', '3'], {}, '--workers 3 needs --redis: the workers share their signals through it'],
    [['relay', '--workers', '0'], {}, '--workers must be auto, or a whole number from 1 to 256, not'],
    [['relay', '--path', '/health'], {}, '--path must be a path like /signals that the relay does not use otherwise'],
    [['relay', '--auth-secret', 'short'], {}, '--auth-secret must have at least 32 characters'],
    [['relay', '--auth-jwks', 'http://id.example/jwks'], {}, '--auth-jwks must begin with https://'],
    [['relay', '--auth-jwks', 'https://a.example', '--auth-secret', 'x'.repeat(32)], {}, 'Choose one'],
    [['relay', '--trust-proxy=many'], {}, '--trust-proxy must be'],
    [['relay', '--config', '/nowhere.json'], {}, 'the config file /nowhere.json cannot be read (ENOENT)'],
    [['relay', '--config', ROOT], {}, 'cannot be read (EISDIR)'],
    [['relay'], { SIGNALPOST_PORT: 'x' }, 'SIGNALPOST_PORT must be a whole number'],
    [['relay'], { SIGNALPOST_OPEN: 'maybe' }, 'SIGNALPOST_OPEN must be 1 or 0'],
    [['relay'], { SIGNALPOST_PROT: '1' }, 'the environment variable SIGNALPOST_PROT is not an option'],
  ])('says in one line what is wrong with %j %j, and exits with 2', async (args, environment, text) => {
    const { code, out, err } = await start(args, environment).exited
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^signalpost: [^\n]+\.\n$/)
    expect(err).toContain(text)
  })

  it('says in one line that the port is in use, and exits with 2', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void squatter.close())
    await once(squatter, 'listening')
    const address = squatter.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const { code, err } = await start(['relay', '--port', String(port)]).exited
    expect({ code, err }).toEqual({
      code: 2,
      err: `signalpost: port ${port} is in use. Stop the program that uses it, or choose another with --port.\n`,
    })
  })

  it('logs in JSON, relays, serves the test page, and drains on SIGTERM', async () => {
    const { child, exited } = start(['relay', '--port', '0'])
    const line = await firstLine(child)
    const page = await join(line.url ?? '')
    const id = page.signal('Saved', 1)
    await page.heard(1)
    const html = await (await fetch(line.page ?? '')).text()
    child.kill('SIGTERM')
    const { retryAfter } = await page.next('goodbye')
    const ending = await page.closed
    const { code, out, err } = await exited
    expect(line).toMatchObject({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      url: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+\/signals$/),
      msg: expect.stringContaining('only this machine can connect, --host 0.0.0.0 allows others'),
    })
    expect(page.signals().map((signal) => signal.id)).toEqual([id])
    expect(html).toBe('<title>The test page</title>')
    expect(retryAfter).toBeLessThan(1000)
    expect(ending.code).toBe(4503)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const text of out.trim().split('\n')) expect(JSON.parse(text)).toHaveProperty('time')
  })

  it.each([
    ['600000', true],
    ['660000', false],
  ])('S82 says at the start what follows from --window %s, where anything does', async (window, isShort) => {
    const { child, exited } = start(['relay', '--port', '0', '--window', window])
    const { url = '' } = await firstLine(child)
    const page = await connect(url)
    const welcome = await page.next('welcome')
    child.kill('SIGTERM')
    const { out } = await exited
    expect(out.includes('a page gives up on an unanswered signal')).toBe(isShort)
    expect(welcome.window).toBe(Number(window))
  })

  it('takes options from the environment, and the command line wins', async () => {
    const environment = {
      SIGNALPOST_SERVICE_HOST: '10.0.0.1',
      SIGNALPOST_PORT_8081_TCP: 'tcp://10.0.0.1:8081',
      SIGNALPOST_MAX_BYTES: '',
      SIGNALPOST_PORT: '0',
      SIGNALPOST_PATH: '/a',
      SIGNALPOST_ORIGIN: 'https://a.example, https://b.example',
    }
    const { child } = start(['relay', '--path', '/b', '--origin', 'https://c.example', '--max-rooms=1'], environment)
    const { url = '' } = await firstLine(child)
    const page = await connect(url, { origin: 'https://c.example', rooms: ['one', 'two'] })
    expect(url).toMatch(/\/b$/)
    expect(await page.next('refused')).toMatchObject({ room: 'two', code: 'too-many' })
    await expect(connect(url, { origin: 'https://a.example' })).rejects.toThrow('403')
  })

  it('takes options from a file too, and keeps its secrets out of the log', async () => {
    const file = joinPath(folder, 'relay.json')
    const publishKey = [{ name: 'shop', secret: 'hunter2-hunter2', rooms: ['shop:*'] }]
    await writeFile(file, JSON.stringify({ port: 0, path: '/live', publishKey }))
    const { child, exited } = start(['relay', '--config', file, '--log-level', 'debug'])
    const { url = '', page = '' } = await firstLine(child)
    const publish = (room: string) =>
      fetch(`${page}publish`, {
        method: 'POST',
        headers: { Authorization: 'Bearer hunter2-hunter2', 'Content-Type': 'application/json' },
        body: JSON.stringify({ signal: 'Saved', room }),
      })
    const statuses = [(await publish('shop:7')).status, (await publish('main')).status]
    child.kill('SIGTERM')
    const { code, out } = await exited
    expect({ statuses, code }).toEqual({ statuses: [200, 403], code: 0 })
    expect(url).toMatch(/\/live$/)
    expect(out).not.toContain('hunter2')
  })

  it('goes on when its log cannot be written any more, and says so once', async () => {
    const file = joinPath(folder, 'full.log')
    // No file may have more than 1 kB: for a program that is as if the disk were full.
    const command = `ulimit -f 1; exec "$@"`
    const args = [joinPath(folder, 'dist', 'relay', 'main.js'), 'relay', '--port', '0', '--log-file', file]
    const child = spawn('bash', ['-c', command, 'bash', process.execPath, ...args])
    onTestFinished(() => void child.kill('SIGKILL'))
    let err = ''
    child.stderr.on('data', (bytes) => (err += String(bytes)))
    const exited = once(child, 'close')
    const text = await vi.waitFor(async () => {
      const written = await readFile(file, 'utf8')
      expect(written).toContain('\n')
      return written
    }, 20_000)
    const { url = '', page = '' } = JSON.parse(text.split('\n')[0] ?? '')
    for (let count = 0; count < 20; count += 1) {
      await connect(url, { origin: 'https://evil.example' }).catch(() => {})
    }
    const health = await fetch(`${page}health`)
    child.kill('SIGTERM')
    const [code] = await exited
    expect([health.status, code]).toEqual([200, 0])
    expect(err).toBe(
      `signalpost: --log-file ${file} cannot be written (EFBIG). Name another file. The relay continues, and drops lines of the log until it can write them.\n`,
    )
  })

  it('writes its log to a file when told to', async () => {
    const file = joinPath(folder, 'logs', 'relay.log')
    const { child, exited } = start(['relay', '--port', '0', '--log-file', file])
    let text = ''
    while (!text.includes('\n')) text = await readFile(file, 'utf8').catch(() => '')
    child.kill('SIGINT')
    const { code, out } = await exited
    expect({ code, out }).toEqual({ code: 0, out: '' })
    expect(JSON.parse(text.split('\n')[0] ?? '')).toHaveProperty('url')
  })
})
