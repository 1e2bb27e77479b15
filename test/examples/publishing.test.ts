import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { PATIENCE } from '../browser/chromium.js'
import { describeWhere } from '../browser/installed.js'
import { connectToRelay } from '../browser/relay-client.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { findProgram } from '../deploy/programs.js'
import { headingsOf, textsUnder } from '../package/blocks.js'
import { answer, forwardAndHang, forwardTo, openDesk } from './desk.js'
import { HAS_PHP, PHP_ADVICE } from './php-site.js'

const GUIDE = 'examples/guides/publishing.md'
const SECRET = 'a-secret-of-the-backend'
const DATA = { userId: 123, name: 'Zoë' }

/** How a program of the guide is run: its heading, the language of its block, its file, and the command. */
interface Language {
  readonly heading: string
  readonly block: string
  readonly file: string
  readonly command: readonly [program: string, ...args: string[]]
}

const ALWAYS: readonly Language[] = [
  { heading: 'Shell', block: 'sh', file: 'publish.sh', command: ['sh'] },
  { heading: 'Node', block: 'mjs', file: 'publish.mjs', command: [process.execPath] },
  { heading: 'PHP', block: 'php', file: 'publish.php', command: ['php'] },
  { heading: 'Python', block: 'python', file: 'publish.py', command: ['python3'] },
]

/** Languages that are too large for a machine that only tests. */
const WHERE_INSTALLED: readonly Language[] = [
  { heading: 'Ruby', block: 'ruby', file: 'publish.rb', command: ['ruby'] },
  { heading: 'Go', block: 'go', file: 'publish.go', command: ['go', 'run'] },
  { heading: 'Java', block: 'java', file: 'Publish.java', command: ['java'] },
]

const ADVICE = `The programs of publishing.md need curl, python3 and PHP: apt-get install curl python3. ${PHP_ADVICE}`
const IS_INSTALLED = HAS_PHP && findProgram('curl') && findProgram('python3')
const LANGUAGES = [...ALWAYS, ...WHERE_INSTALLED.filter(({ command: [program] }) => findProgram(program))]

describe('the guide for publishing', () => {
  it('says of each language whether a test runs it', () => {
    const run = [...ALWAYS, ...WHERE_INSTALLED].map(({ heading }) => heading)
    expect(headingsOf(GUIDE)).toEqual(['Many signals', ...run, 'C#'])
    for (const { heading, block } of [...ALWAYS, ...WHERE_INSTALLED]) {
      expect(textsUnder(GUIDE, heading, block)).toHaveLength(1)
    }
  })
})

describeWhere(IS_INSTALLED, ADVICE)('the program of the guide', () => {
  let relay: RelayProcess
  const page = (): string => relay.page
  beforeAll(async () => {
    relay = await startRelay('--publish-key', `backend:${SECRET}`)
  })
  afterAll(() => relay?.kill())

  /** Runs a program as the guide has it. Java and Go compile it first. */
  async function run({ heading, block, file, command }: Language, url: string, secret = SECRET) {
    const folder = await mkdtemp(join(tmpdir(), 'publishing-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, file), textsUnder(GUIDE, heading, block)[0] ?? '')
    const [program, ...args] = command
    const env = { ...process.env, RELAY_URL: url, PUBLISH_SECRET: secret }
    try {
      await promisify(execFile)(program, [...args, file, 'ReportIncome', JSON.stringify(DATA)], { cwd: folder, env })
      return { code: 0, text: '' }
    } catch (error) {
      const { code = -1, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string }
      return { code, text: stdout + stderr }
    }
  }

  it.each(LANGUAGES)(
    'in $heading repeats a request whose answer never came, and after a 503, under one key',
    { timeout: 4 * PATIENCE },
    async (language) => {
      const client = await connectToRelay(relay.url)
      onTestFinished(client.close)
      const busy = answer(503, '{"error":{"code":"unavailable","text":"Later."}}', { 'Retry-After': '1' })
      const desk = await openDesk(forwardAndHang(page), busy, forwardTo(page), forwardTo(page))
      const { code, text } = await run(language, desk.url)
      expect({ code, text }).toEqual({ code: 0, text: '' })
      const keys = desk.seen.map(({ headers }) => headers['idempotency-key'])
      // A busy machine may need one more.
      expect(keys.length).toBeGreaterThanOrEqual(3)
      expect(new Set(keys).size).toBe(1)
      await client.send('Last', null)
      await expect.poll(() => client.heard.at(-1)?.signal, { timeout: PATIENCE }).toBe('Last')
      const heard = client.heard.slice(0, -1).map(({ signal, data, sender }) => ({ signal, data, sender }))
      expect(heard).toEqual([{ signal: 'ReportIncome', data: DATA, sender: { server: 'backend' } }])
    },
  )

  it.each(LANGUAGES)(
    'in $heading fails with the text of the relay, at once for a wrong key and after four attempts for a 503',
    { timeout: 4 * PATIENCE },
    async (language) => {
      const refused = await openDesk(forwardTo(page))
      const wrong = await run(language, refused.url, 'another')
      expect([wrong.code > 0, wrong.text.includes('--publish-key'), refused.seen.length]).toEqual([true, true, 1])
      const busy = answer(503, '{"error":{"code":"unavailable","text":"Send this again, unchanged."}}')
      const desk = await openDesk(busy, busy, busy, busy)
      const failed = await run(language, desk.url)
      expect([failed.code > 0, desk.seen.length]).toEqual([true, 4])
    },
  )
})
