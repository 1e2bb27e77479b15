import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { flagOf, OPTION_NAMES, OPTIONS, variableOf } from '../../examples/relay/options/options.js'
import { describeWhere } from '../browser/installed.js'
import { HAS_PHP, PHP_ADVICE } from '../examples/php-site.js'
import { connect, join, startRelay } from './protocol-client.js'

const run = promisify(execFile)

function read(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../examples/relay/${name}`, import.meta.url)), 'utf8')
}

/** The commands of the README that begin with a text, as they would be typed. */
async function commands(beginning: string): Promise<string[]> {
  const readme = await read('README.md')
  const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  return blocks.filter((block) => block.startsWith(beginning))
}

describe('the README of the relay', () => {
  it('has every option with its variable and its default, and no other', async () => {
    const readme = await read('README.md')
    const rows = [...readme.matchAll(/^\| `(--[\w-]+)` *\| `(\w+)` *\| (?:`(.*?)`)? *\|/gm)]
    const documented = rows.map(([, flag, variable, fallback]) => [flag, variable, fallback ?? ''])
    const real = OPTION_NAMES.map((name) => {
      const { fallback } = OPTIONS[name]
      return [
        flagOf(name),
        variableOf(name),
        typeof fallback === 'object' || fallback === false ? '' : String(fallback),
      ]
    })
    expect(documented).toEqual(real)
  })

  it('names no option that the help does not have', async () => {
    const help = readCommand(['relay', '--help'], {}, '')
    const known = help.run === 'print' ? [...help.text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag) : []
    expect(known).toEqual(expect.arrayContaining(OPTION_NAMES.map(flagOf)))
    const own = (await read('README.md')).match(/(?<=`|relay |= |\s)--[a-z][a-z-]*/g) ?? []
    expect(own.filter((flag) => !known.includes(flag) && flag !== '--max-time')).toEqual([])
  })

  it('has curl commands that do what it says', async () => {
    const { port, url } = await startRelay({
      publishKey: [{ name: 'shop', secret: 's3cret' }],
      revokeKey: ['a-key-for-revoking'],
    })
    const page = await join(url, 'main', 'team:7')
    const curl = async (text: string): Promise<string> => {
      const command = text.replaceAll('127.0.0.1:8081', `127.0.0.1:${port}`)
      // The upgraded connection stays open until curl's time limit, which it reports as a failure.
      const { stdout } = await run('sh', ['-c', command]).catch((error: { stdout: string }) => error)
      return stdout
    }
    const [revoke = '', state = '', single = '', list = '', rooms = '', upgrade = ''] = await commands('curl ')
    const answers = [await curl(single), await curl(single), await curl(list)]
    const heard = await page.heard(3)
    expect(answers.slice(0, 2)).toEqual(Array(2).fill('{"ids":["shop:order-4711"]}'))
    expect(heard.map(({ signal, room, data }) => [signal, room, data])).toEqual([
      ['ReportIncome', 'main', { userId: 123 }],
      ['ReportIncome', 'team:7', undefined],
      ['RefreshDashboard', 'main', undefined],
    ])
    expect(await curl(state)).toMatch(/^{"status":"ok",.*}{"status":"ready"}$/)
    expect(JSON.parse(await curl(revoke))).toEqual({ revoked: { user: 'ann' } })
    expect(await curl(rooms)).toMatch(
      /^{"rooms":\[{"room":"main","members":1},.*}{"room":"main","members":1,"position":/,
    )
    expect(await curl(upgrade)).toContain('101 Switching Protocols')
  })
  it('has a config file that the relay takes', async () => {
    const text = /```json\n([\s\S]*?)```/.exec(await read('README.md'))?.[1] ?? ''
    const command = readCommand(['relay', '--config', 'relay.json'], {}, '', () => text)
    expect(command).toMatchObject({ run: 'relay', settings: { maxConnectionsPerAddress: 500 } })
  })

  it('names figures that there are', async () => {
    const { page } = await startRelay({ dashboardKey: 'the-key-of-the-operator' })
    const response = await fetch(`${page}metrics`, { headers: { Authorization: 'Bearer the-key-of-the-operator' } })
    const text = await response.text()
    const [, table = ''] = (await read('README.md')).split('| figure ')
    const named = [...(table.split('\n\n')[0] ?? '').matchAll(/`([a-z0-9_]{6,})(?:\{\w+\})?`/g)].map(
      ([, name]) => name ?? '',
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => name !== 'backend' && !text.includes(`# TYPE signalpost_${name} `))).toEqual([])
  })
})

describeWhere(HAS_PHP, PHP_ADVICE)('the PHP of the README', () => {
  it('makes a token that the relay takes', async () => {
    const secret = 'correct-horse-battery-staple-0123'
    const source = /```php\n([\s\S]*?)```/.exec(await read('README.md'))?.[1] ?? ''
    const script = `${source} echo signalpostToken('ann', ['main', 'team:*']);`
    const { stdout: token } = await run('php', ['-r', script], {
      env: { ...process.env, SIGNALPOST_AUTH_SECRET: secret },
    })
    const { url } = await startRelay({ authSecret: [secret] })
    const page = await connect(url, { token, rooms: ['team:7', 'hall'] })
    expect(await page.next('welcome')).toMatchObject({ user: 'ann' })
    expect(await page.next('joined')).toMatchObject({ room: 'team:7' })
    expect(await page.next('refused')).toMatchObject({ room: 'hall', code: 'denied' })
  })
})
