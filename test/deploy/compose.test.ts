import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ROOT } from '../package/root.js'
import { describeWhere } from '../browser/installed.js'
import { findFreePort } from '../support/free-port.mjs'
import { makeFolder, PATIENCE, readKit, run } from './fixtures.js'
import { unpackSignalpost } from './packed.js'
import { findProgram } from './programs.js'
import { REDIS } from './redis.js'

/**
 * What can be shown of compose.yaml without Docker. Not run: the containers, their networks and volumes, and the images
 * of Redis and nginx. The Dockerfile has a test of its own, and so have the files that nginx gets.
 */
const YAML = join(ROOT, 'test/deploy/node_modules/yaml')
const ADVICE = 'Redis or the YAML parser is missing: apt-get install redis-server; npm ci --prefix test/deploy.'

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly command?: string
  readonly env_file?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>
}

describeWhere(REDIS && existsSync(YAML), ADVICE)('compose.yaml', () => {
  it('builds the relay from the files of the package, with the settings of DEPLOY.md', async () => {
    const { 'relay-1': first, 'relay-2': second } = readServices()
    const { context = '', dockerfile = '' } = first?.build ?? {}
    const folder = await unpackSignalpost()
    expect(context).toBe('/opt/signalpost/node_modules/signalpost')
    expect(existsSync(join(folder, dockerfile))).toBe(true)
    const typed = readKit('DEPLOY.md')
    expect(typed).toContain(`install -m 600 /opt/signalpost/deploy/relay.env ${first?.env_file}`)
    expect([second?.env_file, second?.environment]).toEqual([first?.env_file, first?.environment])
  })

  it('publishes the relays where nginx and backends of the host look for them, and nowhere else', () => {
    const { 'relay-1': first, 'relay-2': second, redis, nginx } = readServices()
    const upstream = [...readKit('nginx-upstream.conf').matchAll(/server (127\.0\.0\.1:\d+)/g)].map(([, at]) => at)
    expect([first, second].map((relay) => relay?.ports)).toEqual(upstream.map((address) => [`${address}:8081`]))
    expect([redis?.ports, nginx?.ports]).toEqual([undefined, undefined])
  })

  it('gives nginx its files under the paths that they name', () => {
    const mounts = readServices().nginx?.volumes?.map((volume) => volume.split(':')) ?? []
    expect(mounts.filter(([from, to, mode]) => from !== to || mode !== 'ro')).toEqual([])
    const kit = readKit('nginx-site.conf').replaceAll(/^#.*$/gm, '')
    const named = [...kit.matchAll(/ (\/(?:etc|var)\/[\w/.-]+)/g)].map(([, path]) => path ?? '')
    expect(named.length).toBeGreaterThan(2)
    expect(named.filter((path) => !mounts.some(([from = '']) => path.startsWith(from)))).toEqual([])
    expect(mounts.map(([from]) => from)).toEqual(
      expect.arrayContaining(['/etc/nginx/conf.d', '/etc/nginx/snippets', '/etc/letsencrypt']),
    )
  })

  it('starts a Redis that its health check finds well, and that evicts nothing', async () => {
    const { redis, 'relay-1': relay } = readServices()
    const [port, dir] = [await findFreePort(), await makeFolder()]
    const [, ...args] = redis?.command?.split(' ') ?? []
    const child = spawn(REDIS ?? '', [...args, '--port', String(port), '--dir', dir], { stdio: 'ignore' })
    onTestFinished(() => void child.kill('SIGTERM'))
    const [kind, program = '', ...check] = redis?.healthcheck?.test ?? []
    const ask = (...words: string[]) => run(findProgram(program) ?? '', ['-p', String(port), ...words])
    await vi.waitUntil(async () => (await ask(...check)).text === 'PONG\n', PATIENCE)
    const policy = await ask('config', 'get', 'maxmemory-policy')
    expect([kind, policy.text]).toEqual(['CMD', 'maxmemory-policy\nnoeviction\n'])
    expect(relay?.environment).toEqual({ SIGNALPOST_REDIS: 'redis://redis:6379' })
    expect(relay?.depends_on).toEqual({ redis: { condition: 'service_healthy' } })
  })
})

function readServices(): Readonly<Record<string, Service | undefined>> {
  const { parse } = createRequire(import.meta.url)(YAML) as { parse(text: string, options: object): unknown }
  return (parse(readKit('compose.yaml'), { merge: true }) as { services: Record<string, Service> }).services
}
