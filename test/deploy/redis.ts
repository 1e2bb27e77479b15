import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { findFreePort } from '../support/free-port.mjs'
import { makeFolder, readKit } from './fixtures.js'
import { findProgram } from './programs.js'

export const REDIS = findProgram('redis-server')

/** The password in the lines of DEPLOY.md. */
export const REDIS_PASSWORD = 'change-this-too'

/** Starts a Redis with the lines that DEPLOY.md gives, and gives its port. */
export async function startRedis(): Promise<number> {
  const port = await findFreePort()
  const folder = await makeFolder()
  const lines = /redis\.conf that matter:\s+```\n([\s\S]*?)```/.exec(readKit('DEPLOY.md'))?.[1] ?? ''
  const file = join(folder, 'redis.conf')
  await writeFile(file, `${lines}\nport ${port}\ndir ${folder}\n`)
  const child = spawn(REDIS ?? '', [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  })
  for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
    if (String(text).includes('Ready to accept connections')) break
  }
  return port
}
