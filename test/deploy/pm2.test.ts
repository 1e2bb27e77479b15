import { existsSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ROOT } from '../package/root.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { connect } from '../relay/protocol-client.js'
import { textsUnder } from '../package/blocks.js'
import { cleanEnvironment, installSignalpost, KIT, makeFolder, PATIENCE, run, type Outcome } from './fixtures.js'

const PM2 = join(ROOT, 'test/deploy/node_modules/pm2/bin/pm2')

describeWhere(existsSync(PM2), 'PM2 is missing: npm ci --prefix test/deploy.')('ecosystem.config.cjs', () => {
  it('starts the relay, starts it again when it dies, and stops it with a goodbye to its clients', async () => {
    const { pm2, processes, name, port } = await install()
    const started = await pm2('start', 'ecosystem.config.cjs')
    await vi.waitUntil(() => isHealthy(port), PATIENCE)
    const [first] = await processes()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await vi.waitUntil(async () => (await processes())[0]?.pid !== first?.pid && (await isHealthy(port)), PATIENCE)

    const page = await connect(`ws://127.0.0.1:${port}/signals`, { origin: 'https://example.com' })
    await page.next('joined')
    const stopped = await pm2('stop', name)
    const goodbye = await page.next('goodbye')
    const { code } = await page.closed
    const logs = await pm2('logs', name, '--lines', '50', '--nostream')
    const status = await pm2('status')

    expect([started.code, stopped.code, code, goodbye.reason]).toEqual([0, 0, 4503, 'restart'])
    expect(logs.text).toContain('"msg":"stopped"')
    expect(status.text).toContain(name)
    expect((await processes()).map(({ pm2_env }) => pm2_env.status)).toEqual(['stopped'])
  })

  it('reloads the settings with the command of DEPLOY.md, and keeps the connections', async () => {
    const { folder, pm2, name, port } = await install()
    await pm2('start', 'ecosystem.config.cjs')
    await vi.waitUntil(() => isHealthy(port), PATIENCE)
    const page = await connect(`ws://127.0.0.1:${port}/signals`, { origin: 'https://example.com' })
    await page.next('joined')
    await writeFile(join(folder, 'relay.env'), `SIGNALPOST_PORT=${port}\nSIGNALPOST_ORIGIN=https://shop.example\n`)
    const blocks = textsUnder('examples/relay/DEPLOY.md', 'PM2', 'sh')
    const command = blocks.find((text) => text.includes('sendSignal')) ?? ''
    await pm2(...command.replace('npx pm2 ', '').replace('signalpost-relay-8081', name).trim().split(' '))
    await vi.waitUntil(
      async () => (await pm2('logs', name, '--nostream')).text.includes('settings were read again'),
      PATIENCE,
    )
    const moved = await connect(`ws://127.0.0.1:${port}/signals`, { origin: 'https://shop.example' })
    await moved.next('joined')
    moved.signal('Saved')
    expect((await page.next('signal')).signal).toBe('Saved')
  })

  it('starts two relays where they share a Redis, and one where they would not know of each other', async () => {
    const apps = async (settings: string): Promise<unknown> => {
      const { folder } = await install(settings)
      const { text } = await run(process.execPath, ['-p', "JSON.stringify(require('./ecosystem.config.cjs').apps)"], {
        cwd: folder,
      })
      const parsed = JSON.parse(text) as { name: string; env: Record<string, string> }[]
      // PM2 would start a crashed relay with old settings, and its dump has no secrets if it gets none.
      return parsed.map(({ name, env }) => [name, env.SIGNALPOST_PORT, Object.keys(env)])
    }
    expect(await apps('')).toEqual([['signalpost-relay-8081', '8081', OWN_VARIABLES]])
    expect(await apps('SIGNALPOST_PORT=9000\nSIGNALPOST_REDIS=redis://127.0.0.1:6379\n')).toEqual([
      ['signalpost-relay-9000', '9000', OWN_VARIABLES],
      ['signalpost-relay-9001', '9001', OWN_VARIABLES],
    ])
  })
})

/** The variables of a relay that PM2 keeps. */
const OWN_VARIABLES = ['NODE_ENV', 'SIGNALPOST_ENV_FILE', 'SIGNALPOST_PORT']

interface Listed {
  readonly pid: number
  readonly pm2_env: { readonly status: string }
}

/** A server's folder with the package, the ecosystem file and a relay.env, and a PM2 of its own. */
async function install(settings?: string) {
  const port = await findFreePort()
  const { folder } = await installSignalpost()
  const home = await makeFolder()
  await copyFile(join(KIT, 'ecosystem.config.cjs'), join(folder, 'ecosystem.config.cjs'))
  await writeFile(
    join(folder, 'relay.env'),
    settings ?? `SIGNALPOST_PORT=${port}\nSIGNALPOST_ORIGIN=https://example.com\n`,
  )
  const env = { ...cleanEnvironment(), PM2_HOME: home, PM2_DISCRETE_MODE: 'true' }
  const pm2 = (...args: string[]): Promise<Outcome> => run(process.execPath, [PM2, ...args], { cwd: folder, env })
  if (settings === undefined) onTestFinished(async () => void (await pm2('kill')))

  async function processes(): Promise<readonly Listed[]> {
    const { text } = await pm2('jlist')
    return JSON.parse(text.slice(text.indexOf('[{'))) as Listed[]
  }

  return { folder, pm2, processes, port, name: `signalpost-relay-${port}` }
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health`)).ok
  } catch {
    return false
  }
}
