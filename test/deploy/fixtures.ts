import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { ROOT } from '../package/root.js'
import { bundleRelay } from '../relay/bundle.js'

/** How long something may take on a busy machine, in milliseconds. */
export const PATIENCE = 30_000

/** What is run with `run` may take this long, in milliseconds. */
const LONGEST_RUN = 240_000

/** The path of relay.env below which the relay has its paths. */
export const BASE = '/signalpost'

/** The folder of the deployment kit. */
export const KIT = join(ROOT, 'examples/relay/deploy')

/** A file of the deployment kit, or a document beside it, with example.com as the domain. */
export function readKit(name: string): string {
  const isDocument = name.endsWith('.md')
  const text = readFileSync(join(KIT, isDocument ? '..' : '.', name), 'utf8')
  return isDocument ? text : text.replaceAll('DOMAIN', 'example.com')
}

/** A folder that is gone when the test is over. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signalpost-deploy-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The folder of a server after `npm install signalpost`. */
export async function installSignalpost(): Promise<{ readonly folder: string; readonly main: string }> {
  const folder = await makeFolder()
  return { folder, main: await bundleRelay(join(folder, 'node_modules', 'signalpost')) }
}

export interface Outcome {
  readonly code: number
  /** Standard output and standard error. */
  readonly text: string
}

/** Runs a program to its end; a failure is an outcome too. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { timeout: LONGEST_RUN, ...options })
    return { code: 0, text: stdout + stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    return { code: typeof code === 'number' ? code : -1, text: `${stdout}${stderr}` || String(error) }
  }
}

/** What the answer to a command looks like, for each kind of command. */
export type Promises = ReadonlyArray<readonly [command: RegExp, wanted: RegExp]>

/** Types commands one after the other, and gives those whose answer is not what the first fitting promise says, with it. */
export async function findBroken(
  commands: readonly string[],
  promises: Promises,
  type: (command: string) => Promise<Outcome>,
): Promise<(readonly [command: string, answer: string])[]> {
  const broken: (readonly [string, string])[] = []
  for (const command of commands) {
    const [, wanted] = promises.find(([pattern]) => pattern.test(command)) ?? []
    const { text } = await type(command)
    if (!wanted?.test(text)) broken.push([command, text])
  }
  return broken
}

/** A relay in a process of its own. */
export interface RelayProcess {
  readonly pid: number
  readonly port: number
  /** What it has logged. */
  log(): string
  /** SIGTERM, as process managers do. Resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts the relay's command and waits until it listens; what is left of it is killed when the test is over. */
export async function startRelay(
  main: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
  options: readonly string[] = [],
): Promise<RelayProcess> {
  const env = { ...cleanEnvironment(), SIGNALPOST_PORT: String(port), SIGNALPOST_BASE: BASE, ...settings }
  const child = spawn(process.execPath, [main, 'relay', ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const logged = await firstLine(child)
  return {
    pid: child.pid ?? 0,
    port,
    log: logged,
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      const [code]: (number | null)[] = await exit
      return code ?? null
    },
  }
}

/** The environment without the settings of whoever runs the tests. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIGNALPOST_')))
}

async function firstLine(child: ChildProcess): Promise<() => string> {
  let text = ''
  const said = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes) => {
        text += String(bytes)
        if (text.includes('\n')) resolve()
      })
    }
    child.once('exit', () => reject(new Error(`The relay ended: ${text}`)))
  })
  await said
  return () => text
}
