import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeRedis as textOf, readRedisAddress } from '../../examples/relay/signal-log/redis/redis-url.js'
import { bundleRelay } from './bundle.js'
import { findFreePort } from '../support/free-port.mjs'
import { describeRedis, startRedis } from './redis-server.js'

const run = promisify(execFile)

/** A certificate for this machine, which is its own authority. */
async function makeCertificates(folder: string) {
  const [key, certificate] = [join(folder, 'redis.key'), join(folder, 'redis.crt')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const files = ['-keyout', key, '-out', certificate]
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files])
  // One change of Redis needs both files: the other is named first.
  return {
    authority: certificate,
    settings: { 'tls-key-file': key, 'tls-cert-file': certificate, 'tls-ca-cert-file': certificate },
  }
}

describe('the address of a Redis', () => {
  it.each([
    ['redis://host', { mode: 'standalone', nodes: [{ host: 'host', port: 6379 }], db: 0, isEncrypted: false }],
    ['rediss://:a%40b@host:1/7', { nodes: [{ host: 'host', port: 1 }], db: 7, password: 'a@b', isEncrypted: true }],
    ['redis://user:p:w@[::1]:6380', { nodes: [{ host: '::1', port: 6380 }], username: 'user', password: 'p:w' }],
    [
      'redis+sentinel://:pw@a,b:1/shop/2?sentinelPassword=x%26y',
      {
        mode: 'sentinel',
        nodes: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 1 },
        ],
        primary: 'shop',
        db: 2,
        password: 'pw',
        sentinelPassword: 'x&y',
      },
    ],
    [
      'rediss+cluster://a:1,b',
      {
        mode: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
        ],
        isEncrypted: true,
      },
    ],
  ])('%s is read', (text, address) => {
    expect(readRedisAddress(text)).toMatchObject(address)
  })

  it.each([
    ['localhost:6379', 'must be like redis://'],
    ['http://localhost', 'must be like redis://'],
    ['redis://', 'must be like redis://'],
    ['redis://a,b', 'must be like redis://'],
    ['redis://a:99999', 'must be like redis://'],
    ['redis://a b', 'must be like redis://'],
    ['redis://secret@a', 'must have a colon before the password'],
    ['redis://:%zz@a', 'has a % that must be written %25'],
    ['redis://a/first', 'must end with the number of a database'],
    ['redis+sentinel://a', 'must name the primary'],
    ['redis+cluster://a/1', 'must not name a database'],
  ])('%s is none, and nothing secret is repeated', (text, reason) => {
    expect(() => readRedisAddress(text)).toThrow(reason)
    expect(() => readRedisAddress(text)).not.toThrow(/secret|%zz/)
  })

  it('is told without what is secret', () => {
    expect(textOf(readRedisAddress('redis://user:secret@[::1]:1/2'))).toBe('[::1]:1')
    expect(textOf(readRedisAddress('redis+sentinel://:secret@a,b/shop'))).toBe(
      'shop of the Sentinels at a:26379, b:26379',
    )
    expect(textOf(readRedisAddress('redis+cluster://:secret@a'))).toBe('the cluster at a:6379')
  })
})

describeRedis('the command, started with a Redis that cannot be used', () => {
  let folder = ''
  let file = ''
  const environment: Record<string, string | undefined> = { PATH: process.env.PATH }

  beforeAll(async () => {
    // Outside of the project: what is bundled needs nothing beside it.
    folder = await mkdtemp(join(tmpdir(), 'relay-'))
    file = await bundleRelay(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function start(redis: string, ...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [file, 'relay', '--port', '0', ...args], {
      env: { ...environment, SIGNALPOST_REDIS: redis },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let out = ''
    let err = ''
    child.stdout.on('data', (bytes) => {
      out += String(bytes)
      if (out.includes('listening')) child.kill('SIGTERM')
    })
    child.stderr.on('data', (bytes) => (err += String(bytes)))
    const [code] = await once(child, 'close')
    if (code === 0) return 'started'
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^signalpost: [^\n]+\.\n$/)
    expect(err).not.toContain('s3cret')
    return err
  }

  it('says in one line what is wrong with the address', async () => {
    expect(await start('localhost:6379')).toContain('SIGNALPOST_REDIS must be like redis://127.0.0.1:6379')
    expect(await start('redis://127.0.0.1:1')).toContain(
      'ECONNREFUSED 127.0.0.1:1). Start Redis there, or correct --redis.',
    )
    expect(await start('redis://localhost:1')).toContain('ECONNREFUSED')
    expect(await start('redis://nowhere.invalid')).toContain('The host name is unknown: correct --redis.')
    expect(await start('redis+cluster://127.0.0.1:1')).toContain('the cluster at 127.0.0.1:1 cannot be used')
    expect(await start('redis+sentinel://127.0.0.1:1/shop')).toContain('shop of the Sentinels at 127.0.0.1:1 cannot be')
  })

  it('says that something else listens there', { timeout: 60_000 }, async () => {
    const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    expect(await start(`redis://127.0.0.1:${port}`)).toContain('cannot be used')
  })

  it('says that it wants a password, another password, or rights', async () => {
    const redis = await startRedis()
    await redis.ask('ACL', 'SETUSER', 'reader', 'on', '>s3cret', '~*', '&*', '+@read', '+@connection', '+info')
    await redis.ask('CONFIG', 'SET', 'requirepass', 's3cret')
    const host = `127.0.0.1:${redis.port}`
    expect(await start(`redis://${host}`)).toContain('Redis requires a password: --redis redis://:password@host.')
    expect(await start(`redis://:other-s3cret@${host}`)).toContain('Correct the user or the password in --redis.')
    expect(await start(`redis://reader:s3cret@${host}`)).toContain('ACL SETUSER for this user with +')
    expect(await start(`redis://:s3cret@${host}`)).toBe('started')
  })

  it('says that it takes no writes', async () => {
    const redis = await startRedis()
    await redis.ask('CONFIG', 'SET', 'maxmemory', '1')
    expect(await start(redis.url)).toContain('Redis is out of memory: raise its maxmemory.')
    await redis.ask('CONFIG', 'SET', 'maxmemory', '0')
    await redis.ask('REPLICAOF', '127.0.0.1', '1')
    expect(await start(redis.url)).toContain(
      'The server is a replica: set --redis to the primary, or to its Sentinels.',
    )
    await redis.ask('REPLICAOF', 'NO', 'ONE')
    expect(await start(redis.url)).toBe('started')
  })

  it('says that it is no cluster, or no durability that it has', async () => {
    const redis = await startRedis()
    expect(await start(redis.url.replace('redis:', 'redis+cluster:'))).toContain(
      'use redis:// instead of redis+cluster://',
    )
    expect(await start(redis.url, '--durability', 'replica')).toContain('needs a replica that is connected.')
    expect(await start(redis.url, '--durability', 'disk')).toContain('--durability disk needs')
    expect(await start(redis.url, '--durability', 'paper')).toContain(
      '--durability must be one of memory, replica, disk',
    )
  })

  it('reports a connection that is not encrypted, and starts when it is', { timeout: 60_000 }, async () => {
    const certificates = await makeCertificates(folder)
    const redis = await startRedis()
    const port = await findFreePort()
    for (const [name, value] of Object.entries({
      ...certificates.settings,
      'tls-auth-clients': 'no',
      'tls-port': port,
    })) {
      await redis.ask('CONFIG', 'SET', name, value)
    }
    expect(await start(`rediss://localhost:${port}`)).toContain('Use rediss:// for a server with TLS')
    expect(await start(`redis://localhost:${port}`)).toContain('rediss:// for a server with TLS')
    expect(await start(`rediss://localhost:${redis.port}`)).toContain('or use redis:// for a server without TLS.')
    environment.NODE_EXTRA_CA_CERTS = certificates.authority
    expect(await start(`rediss://localhost:${port}`)).toBe('started')
    delete environment.NODE_EXTRA_CA_CERTS
  })
})
