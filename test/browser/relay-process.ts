import { findFreePort } from '../support/free-port.mjs'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { PATIENCE } from './chromium.js'

const MAIN = fileURLToPath(new URL('../../dist/relay/main.js', import.meta.url))

/** The built relay as a process of its own, which can die as processes do. */
export interface RelayProcess {
  /** The address of the test page. */
  readonly page: string
  /** The address of the WebSocket. */
  readonly url: string
  /** Starts it again, on the same port. */
  start(): Promise<void>
  /** SIGKILL: no goodbye, no drain. */
  kill(): Promise<void>
}

export async function startRelay(...flags: string[]): Promise<RelayProcess> {
  if (!existsSync(MAIN)) throw new Error('dist/relay/main.js is missing: run npm run build first.')
  const port = await findFreePort()
  const base = flags.includes('--base') ? flags[flags.indexOf('--base') + 1] : ''
  const page = `http://localhost:${port}${base}/`
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const args = [MAIN, 'relay', '--port', String(port), '--log-level', 'warn', ...flags]
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    child = started
    const end = Date.now() + PATIENCE
    while (!(await isHealthy(page))) {
      if (started.exitCode !== null || Date.now() > end) throw new Error('The relay did not start.')
      await sleep(50)
    }
  }

  async function kill(): Promise<void> {
    const dying = child
    child = undefined
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
    const exit = once(dying, 'exit')
    dying.kill('SIGKILL')
    await exit
  }

  await start()
  return { page, url: `ws://localhost:${port}${base}/signals`, start, kill }
}

/** A relay, and when it was started, by `performance.now()`. */
interface StartedRelay {
  readonly relay: RelayProcess
  readonly startedAt: number
}

/** The age from which a relay counts as grown (ms). */
const GROWN = 1500

/** Grows while the test before it runs. */
let next: Promise<StartedRelay> | undefined

async function startNext(): Promise<StartedRelay> {
  const startedAt = performance.now()
  return { relay: await startRelay('--rate', '5000'), startedAt }
}

/**
 * Returns a relay that takes many signals, and that is older than a late answer to a page on a busy machine. After a late
 * answer, a page asks again, further back by as much. A gap before the start of the relay would refresh the page once more.
 */
export async function startGrownRelay(): Promise<RelayProcess> {
  const { relay, startedAt } = await (next ?? startNext())
  next = startNext()
  await sleep(Math.max(0, GROWN - (performance.now() - startedAt)))
  return relay
}

afterAll(async () => {
  const last = await next
  await last?.relay.kill()
})

async function isHealthy(page: string): Promise<boolean> {
  try {
    return (await fetch(`${page}health`)).ok
  } catch {
    return false
  }
}
