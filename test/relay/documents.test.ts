import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readCommand } from '../../examples/relay/options/command.js'
import { flagOf, OPTION_NAMES, OPTIONS, variableOf } from '../../examples/relay/options/options.js'
import { join, startRelay } from './protocol-client.js'

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
    const { port, url } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }] })
    const page = await join(url, 'main', 'team:7')
    const curl = async (text: string): Promise<string> => {
      const command = text.replaceAll('127.0.0.1:8081', `127.0.0.1:${port}`)
      // The upgraded connection stays open until curl's time limit, which it reports as a failure.
      const { stdout } = await run('sh', ['-c', command]).catch((error: { stdout: string }) => error)
      return stdout
    }
    const [single = '', list = '', health = '', upgrade = ''] = await commands('curl ')
    const answers = [await curl(single), await curl(single), await curl(list)]
    const heard = await page.heard(3)
    expect(answers.slice(0, 2)).toEqual(Array(2).fill('{"ids":["shop:order-4711"]}'))
    expect(heard.map(({ signal, room, data }) => [signal, room, data])).toEqual([
      ['ReportIncome', 'main', { userId: 123 }],
      ['ReportIncome', 'team:7', undefined],
      ['RefreshDashboard', 'main', undefined],
    ])
    expect(JSON.parse(await curl(health))).toMatchObject({ status: 'ok' })
    expect(await curl(upgrade)).toContain('101 Switching Protocols')
  })
})
