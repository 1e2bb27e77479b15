import { findFreePort } from '../support/free-port.mjs'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { describeWhere } from '../browser/installed.js'

/** Like `describe`, where there is a redis-server. */
export const describeRedis = describeWhere(
  hasRedis(),
  'Install redis-server (Debian: apt-get install redis-server) to test the relay on Redis.',
)

/** A redis-server of our own, on a port and in a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly pid: number | undefined
  /** Starts it, with its old data unless that was removed. Resolves when it answers. */
  start(): Promise<void>
  /** Ends it without a word. */
  kill(): Promise<void>
  /** Stops or continues the process, as a machine that stands still does. */
  freeze(isFrozen: boolean): void
  /** Asks it something, on a connection of its own. */
  ask(command: string, ...args: (string | number)[]): Promise<unknown>
  /** Removes what it has written. */
  erase(): Promise<void>
  /** Ends it, and removes its folder. */
  remove(): Promise<void>
}

/** What a Redis keeps over a restart, at worst. */
export const KEEPS = {
  nothing: ['--save', '', '--appendonly', 'no'],
  'the last second excepted': ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'],
  everything: ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
} as const

/** Makes a redis-server that is not started yet; a Sentinel needs its configuration in a file. */
export async function createRedisServer(
  args: readonly string[] = KEEPS.nothing,
  configuration?: string,
): Promise<RedisServer> {
  const port = await findFreePort()
  const folder = await mkdtemp(join(tmpdir(), 'redis-'))
  const file = configuration === undefined ? [] : [join(folder, 'redis.conf')]
  for (const path of file) await writeFile(path, configuration ?? '')
  let child: ChildProcess | undefined

  async function kill(): Promise<void> {
    if (!child) return
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await exited
    child = undefined
  }

  async function ask(command: string, ...rest: (string | number)[]): Promise<unknown> {
    const client = new Redis({ port, lazyConnect: true, retryStrategy: null, disableClientInfo: true, protocol: 2 })
    client.on('error', () => {})
    try {
      await client.connect()
      return await client.call(command, ...rest)
    } finally {
      client.disconnect()
    }
  }

  async function erase(): Promise<void> {
    await rm(folder, { recursive: true, force: true })
  }

  return {
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child?.pid
    },
    async start() {
      const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no', ...args]
      child = spawn('redis-server', [...file, ...options], { stdio: 'ignore' })
      const mine = child
      const kill = (): void => void mine.kill('SIGKILL')
      process.once('exit', kill)
      mine.once('exit', () => process.off('exit', kill))
      for (;;) {
        if (mine.exitCode !== null) throw new Error(`redis-server ended with ${mine.exitCode}`)
        if ((await ask('PING').catch(() => '')) === 'PONG') return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    kill,
    freeze: (isFrozen) => void child?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    ask,
    async erase() {
      await erase()
      await mkdir(folder)
    },
    async remove() {
      await kill()
      await erase()
    },
  }
}

/** Starts a redis-server that is gone when the test is over. */
export async function startRedis(args?: readonly string[], configuration?: string): Promise<RedisServer> {
  const server = await createRedisServer(args, configuration)
  onTestFinished(() => server.remove())
  await server.start()
  return server
}

function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
