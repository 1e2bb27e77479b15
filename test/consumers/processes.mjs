import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** How long a server or a page may take (ms). */
const PATIENCE = 60_000

/** Calls `use` with a new folder outside the repository, which it then removes. */
export async function inFolder(use) {
  const folder = await mkdtemp(join(tmpdir(), 'signalpost-consumer-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Runs a program to its end, and returns what it wrote. Throws with all of its output if it fails. */
export async function run(command, args, { cwd = ROOT, env = {}, timeout = 600_000 } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    timeout,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (bytes) => (output += bytes))
  child.stderr.on('data', (bytes) => (output += bytes))
  const [code] = await Promise.race([
    once(child, 'close'),
    once(child, 'error').then(([error]) => Promise.reject(error)),
  ])
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-4000)}`)
  return output
}

/** Starts a server, waits until the address answers, and returns how to stop it. */
export async function serve(command, args, { cwd = ROOT, env = {}, url }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    // A group of its own, because some servers start further processes.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (bytes) => (output += bytes))
  child.stderr.on('data', (bytes) => (output += bytes))
  const closed = once(child, 'close')
  const stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await closed
  }
  try {
    await waitUntil(async () => {
      if (child.exitCode !== null) throw new Error(`${command} ended`)
      return fetch(url, { redirect: 'manual' }).then(
        () => true,
        () => false,
      )
    }, `${url} to answer`)
  } catch (error) {
    await stop()
    throw new Error(`${error.message}:\n${output.slice(-4000)}`, { cause: error })
  }
  return { stop, output: () => output }
}

export async function waitUntil(isTrue, what) {
  const end = performance.now() + PATIENCE
  while (performance.now() < end) {
    if (await isTrue()) return
    await sleep(50)
  }
  throw new Error(`Waited in vain for ${what}`)
}

export function check(isRight, text) {
  if (!isRight) throw new Error(text)
}
