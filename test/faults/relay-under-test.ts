import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createRelay, type Relay, type RelayOptions } from '../../examples/relay/relay.js'
import { ROOT } from '../package/root.js'
import { bundleRelay } from '../relay/bundle.js'

/** A relay that faults are done to. */
export interface RelayUnderTest {
  /** Where it listens; `undefined` while it is down. */
  readonly port: number | undefined
  /** How often it was started. With a log in memory, each run has epochs of its own. */
  readonly runNumber: number
  /** Where all of it listens, if it is several. @default the port alone */
  readonly ports?: readonly number[]
  start(): Promise<void>
  /** Ends it without a word. Only a process can be ended so. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** A relay in this process. */
export function createRelayHere(options: RelayOptions = {}): RelayUnderTest {
  let relay: Relay | undefined
  let port: number | undefined
  let runNumber = 0

  async function stop(): Promise<void> {
    port = undefined
    await relay?.close()
    relay = undefined
  }

  return {
    get port() {
      return port
    },
    get runNumber() {
      return runNumber
    },
    async start() {
      runNumber += 1
      relay = createRelay({ port: 0, open: true, maxSpread: 100, rate: 0, ...options })
      port = (await relay.listen()).port
    },
    kill: stop,
    stop,
  }
}

/** A relay in a process of its own. */
export interface RelayProcess extends RelayUnderTest {
  readonly pid: number | undefined
  /** Asks it to end, and waits until it has. */
  leave(): Promise<void>
}

/** The relay's command in a process of its own, which can be killed at any moment. */
export function createRelayProcess(args: readonly string[] = [], fixedPort = 0): RelayProcess {
  let child: ChildProcess | undefined
  let port: number | undefined
  let runNumber = 0

  async function end(signal: NodeJS.Signals): Promise<void> {
    port = undefined
    if (!child) return
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child.kill(signal)
    await exited
    child = undefined
  }

  const kill = (): Promise<void> => end('SIGKILL')

  return {
    get port() {
      return port
    },
    get runNumber() {
      return runNumber
    },
    get pid() {
      return child?.pid
    },
    async start() {
      const file = await bundledRelay()
      runNumber += 1
      const options = ['--port', String(fixedPort), '--open', '--log-level', 'info', ...args]
      child = spawn(process.execPath, [file, 'relay', ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
      const mine = child
      killOnExit(mine)
      port = await portOf(mine)
    },
    kill,
    stop: kill,
    leave: () => end('SIGTERM'),
  }
}

const children = new Set<ChildProcess>()
let isExitWatched = false

/** Nothing that was started here outlives this process. */
function killOnExit(child: ChildProcess): void {
  if (!isExitWatched) {
    process.once('exit', () => {
      for (const each of children) each.kill('SIGKILL')
    })
  }
  isExitWatched = true
  children.add(child)
  child.once('exit', () => children.delete(child))
}

let bundle: Promise<string> | undefined
let folder: string | undefined

/** The command, bundled once per process, so that nothing depends on an earlier build. */
function bundledRelay(): Promise<string> {
  return (bundle ??= bundleForFaults())
}

async function bundleForFaults(): Promise<string> {
  const cache = join(ROOT, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  folder = await mkdtemp(join(cache, 'faults-'))
  return bundleRelay(folder)
}

/** Removes what was bundled. */
export async function removeBundle(): Promise<void> {
  if (folder) await rm(folder, { recursive: true, force: true })
  bundle = folder = undefined
}

/** The relay's first line says where it listens. */
async function portOf(child: ChildProcess): Promise<number> {
  let text = ''
  for await (const bytes of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(bytes)
    if (text.includes('\n')) break
  }
  const [line = ''] = text.split('\n')
  const { url }: { url?: string } = JSON.parse(line || '{}')
  if (!url) throw new Error(`The relay did not start: ${text}`)
  child.stdout?.resume()
  return Number(new URL(url).port)
}
