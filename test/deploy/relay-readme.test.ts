import { expect, it } from 'vitest'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { textsOf } from '../package/blocks.js'
import {
  cleanEnvironment,
  findBroken,
  installSignalpost,
  PATIENCE,
  type Promises,
  run,
  startRelay,
} from './fixtures.js'
import { findProgram } from './programs.js'
import { REDIS, REDIS_PASSWORD, startRedis } from './redis.js'

/** The commands of the relay's README are typed as they stand there; only ports and a password are those of the test. */

const ADVICE = 'The commands of the relay’s README need curl and Redis: apt-get install curl redis-server.'
const COMMANDS = textsOf('examples/relay/README.md', 'sh').flatMap((block) => block.trim().split(/(?<!\\)\n/))
const START = /^(?<settings>(?:\w+=\S+ )*)npx signalpost relay(?<options>.*)$/

const SAYS: Promises = [
  [/\/revoke/, /^\{"revoked":\{"user":"ann"\}\}$/],
  [/\/health$/, /^\{"status":"ok"/],
  [/\/ready$/, /^\{"status":"ready"/],
  [/Idempotency-Key: order-4711/, /^\{"ids":\["shop:order-4711"\]\}$/],
  [/team:7/, /^\{"ids":\["shop:[^"]+","shop:[^"]+"\]\}$/],
  [/\/rooms /, /^\{"rooms":\[\],"total":0\}$/],
  [/\/rooms\/main/, /^\{"room":"main","members":0,"position":\{"epoch":"[^"]+","offset":\d+,"id":"shop:[^"]+"\}\}$/],
  [/\/signals/, /^HTTP\/1\.1 101 Switching Protocols/],
]

describeWhere(findProgram('curl') && REDIS, ADVICE)('the commands of the relay’s README', () => {
  it('start relays that are ready', async () => {
    const { main } = await installSignalpost()
    const redis = await startRedis()
    const starts = COMMANDS.filter((command) => START.test(command))
    for (const command of starts) {
      const address = `:${REDIS_PASSWORD}@127.0.0.1:${redis}`
      const { settings, options } = parse(command.replace(':password@127.0.0.1:6379', address))
      const relay = await startRelay(main, await findFreePort(), { SIGNALPOST_BASE: '', ...settings }, options)
      // Its first line may be of something else than that it listens.
      const ask = (): Promise<number> => fetch(`http://127.0.0.1:${relay.port}/ready`).then(({ status }) => status)
      await expect.poll(ask, { message: command, timeout: PATIENCE }).toBe(200)
    }
    expect(starts).toHaveLength(5)
  })

  it('get the answers that the text around them promises', async () => {
    const { main } = await installSignalpost()
    const keys = { SIGNALPOST_REVOKE_KEY: 'a-key-for-revoking', SIGNALPOST_AUTH_SECRET: 'x'.repeat(32) }
    const { settings } = parse(COMMANDS.find((command) => command.includes('PUBLISH_KEY')) ?? '')
    const relay = await startRelay(main, await findFreePort(), { SIGNALPOST_BASE: '', ...settings, ...keys })
    const typed = COMMANDS.filter((command) => command.startsWith('curl '))
    const broken = await findBroken(typed, SAYS, (command) => {
      const adapted = command.replaceAll(':8081', `:${relay.port}`).replace('curl ', 'curl -sS ')
      return run('sh', ['-c', adapted], { env: cleanEnvironment() })
    })
    expect(broken).toEqual([])
    expect(typed.length + 5).toBe(COMMANDS.length)
  })
})

/** What a line that starts a relay sets, and the options after it. */
function parse(command: string) {
  const { settings = '', options = '' } = START.exec(command)?.groups ?? {}
  const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')
  return {
    settings: Object.fromEntries(words(settings).map((word) => word.split(/=(.*)/s).slice(0, 2) as [string, string])),
    options: words(options),
  }
}
