import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { cleanEnvironment, findBroken, installSignalpost, type Promises, readKit, run, startRelay } from './fixtures.js'
import { NGINX, NGINX_ADVICE, NGINX_KIT, OPENSSL, startNginx } from './nginx.js'
import { findProgram } from './programs.js'
import { REDIS, startRedis } from './redis.js'

/** The commands of DEPLOY.md are typed as they stand there; only addresses and files are those of the test. */

const TOOLS = ['curl', 'ss', 'pgrep'].every(findProgram)
const ADVICE = `${NGINX_ADVICE} And: apt-get install curl iproute2 procps redis-server.`

/** What needs a running systemd, or is typed in pm2.test.ts. */
const ELSEWHERE = /^(systemctl|journalctl|npx pm2) /

const SAYS: Promises = [
  [/^ss /, /users:\(\("node"/],
  [/^curl .*\/health/, /^\{"status":"ok"/],
  [/^curl .*http:\/\/127\.0\.0\.1:8081\/signalpost\/signals/s, /^HTTP\/1\.1 101 Switching Protocols/],
  [/^curl .*https:\/\/example\.com\/signalpost\/signals/s, /^HTTP\/1\.1 101 Switching Protocols/],
  [/^nginx -t/, /test is successful/],
  [/^tail /, /\[warn\]|^$/],
  [/^openssl /, /CN = example\.com\s+notAfter=/],
  [/^curl .*\/publish/s, /^\{"ids":\["shop:/],
  [/^redis-cli .* ping/, /^PONG/],
  [/^redis-cli .* config get/, /^maxmemory-policy\s+noeviction/],
  [/^for /, /^\d+\nMax open files +\d+/],
]

describeWhere(NGINX && OPENSSL && TOOLS && REDIS, ADVICE)('the commands of "When it does not work"', () => {
  it('say what the text around them promises', async () => {
    const commands = readCommands().filter((command) => !ELSEWHERE.test(command))
    const server = await setup()
    expect(await findBroken(commands, SAYS, server.type)).toEqual([])
    expect(commands).toHaveLength(SAYS.length)
  })

  it('tell what is wrong', async () => {
    const commands = readCommands()
    const find = (part: string): string => commands.find((command) => command.includes(part)) ?? ''
    const direct = find('http://127.0.0.1:8081/signalpost/signals')
    const through = find('https://example.com/signalpost/signals')
    const server = await setup()
    const deaf = await setup((conf) => conf.replaceAll(/proxy_set_header (Upgrade|Connection).*\n/g, ''))
    const foreign = await server.type(direct.replace('Origin: https://', 'Origin: https://www.'))
    const deafAnswer = await deaf.type(through)
    await server.stop()
    const gone = await server.type(through)
    const listening = await server.type(find('ss -ltnp'))
    expect(foreign.text).toMatch(/^HTTP\/1\.1 403 .*--origin https:\/\/www\.example\.com/s)
    expect(deafAnswer.text).toMatch(/^HTTP\/1\.1 426 /)
    expect(gone.text).toMatch(/^HTTP\/1\.1 502 /)
    expect(listening.text).not.toContain('users:')
  })
})

/** Every command of the section, without sudo. */
function readCommands(): string[] {
  const [, section = ''] = readKit('DEPLOY.md').split('## When it does not work')
  const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? '')
  return blocks.flatMap((block) => block.trim().split(/(?<!\\)\n/)).map((command) => command.replaceAll('sudo ', ''))
}

/** A relay, nginx and Redis as DEPLOY.md sets them up, and somebody who types commands there. */
async function setup(change: (conf: string) => string = (conf) => conf) {
  const { main, folder } = await installSignalpost()
  const relay = await startRelay(main, await findFreePort(), {
    SIGNALPOST_ORIGIN: 'https://example.com',
    SIGNALPOST_PUBLISH_KEY: 'shop:PUBLISH_SECRET',
  })
  const nginx = await startNginx(change(NGINX_KIT), [relay.port, relay.port])
  const redis = await startRedis()
  await writeFile(
    join(folder, '.curlrc'),
    `cacert = "${nginx.certificate}"\nconnect-to = "example.com:443:127.0.0.1:${nginx.https}"\n`,
  )
  const env = { ...cleanEnvironment(), CURL_HOME: folder, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

  function type(command: string) {
    const adapted = command
      .replaceAll('127.0.0.1:8081', `127.0.0.1:${relay.port}`)
      .replaceAll(':8081', `:${relay.port}`)
      .replaceAll('-connect example.com:443', `-connect 127.0.0.1:${nginx.https}`)
      .replaceAll('/var/log/nginx/error.log', nginx.errors)
      .replaceAll('nginx -t', `nginx -t -c ${nginx.file} -e ${nginx.errors}`)
      .replaceAll('redis-cli', `redis-cli -p ${redis}`)
      .replaceAll(/\$\(pgrep [^)]*\)/g, String(relay.pid))
    // The upgraded connections end by curl's time limit, which it counts as a failure.
    return run('sh', ['-c', adapted], { env })
  }

  return { type, stop: relay.stop }
}
