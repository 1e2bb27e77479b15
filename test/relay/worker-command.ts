import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished, vi } from 'vitest'
import { findFreePort } from '../support/free-port.mjs'

/** Shorter than the limit of a test, so that the reason is told. */
export const PATIENCE = { timeout: 25_000, interval: 20 }
export const KEY = 'the-key-of-the-operator'

type Line = Readonly<Record<string, unknown>>

interface Instance {
  readonly name: string
  readonly connections: number
}

/** The data of the dashboard. */
interface State {
  readonly instance: Instance
  readonly others: readonly Instance[]
  readonly total: { readonly connections: number; readonly memory: number }
  readonly counts: { readonly signalsIn: { readonly page: number }; readonly signalsOut: number }
  readonly rooms: readonly { readonly name: string; readonly members: number }[]
  readonly signals: readonly { readonly signal: string }[]
}

/** A relay command with several workers, in processes of their own. */
export interface WorkerCommand {
  readonly port: number
  readonly url: string
  readonly page: string
  /** The lines of the log. Each is JSON, or this throws. */
  lines(text?: string): readonly Line[]
  /** What the command wrote to standard error. */
  complaints(): string
  signal(name: NodeJS.Signals): void
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  /** Returns the metrics by name, labels included. */
  metrics(): Promise<ReadonlyMap<string, number>>
  state(): Promise<State>
  /** Returns the process ids of the workers that answer. */
  workers(): Promise<readonly number[]>
}

/** Starts the command without waiting for it. */
export function spawnWorkers(main: string, port: number, settings: Readonly<Record<string, string>>): WorkerCommand {
  const env = {
    PATH: process.env.PATH ?? '',
    SIGNALPOST_PORT: String(port),
    SIGNALPOST_OPEN: '1',
    SIGNALPOST_WORKERS: '3',
    SIGNALPOST_DASHBOARD_KEY: KEY,
    ...settings,
  }
  const child = spawn(process.execPath, [main, 'relay'], { env })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.on('data', (bytes) => (out += String(bytes)))
  child.stderr.on('data', (bytes) => (err += String(bytes)))
  const exited = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  const page = `http://127.0.0.1:${port}/`
  const get = (path: string, headers = {}): Promise<Response> =>
    // A connection of its own for each request: they take turns on the workers.
    fetch(`${page}${path}`, { headers: { Connection: 'close', ...headers } })
  const authorized = (path: string): Promise<Response> => get(path, { Authorization: `Bearer ${KEY}` })
  const state = async (): Promise<State> => (await authorized('dashboard/state')).json() as Promise<State>

  return {
    port,
    url: `ws://127.0.0.1:${port}/signals`,
    page,
    lines: (text = '') =>
      out
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.includes(text))
        .map((line) => JSON.parse(line) as Line),
    complaints: () => err,
    signal: (name) => void child.kill(name),
    exited,
    get,
    async metrics() {
      const text = await (await authorized('metrics')).text()
      const rows = [...text.matchAll(/^([a-z_0-9]+(?:\{[^}]*\})?) (\S+)$/gm)]
      return new Map(rows.map(([, name = '', value]) => [name, Number(value)]))
    },
    state,
    async workers() {
      const { instance, others } = await state()
      return [instance, ...others].map(({ name }) => Number(name.split(' ').at(-1)))
    },
  }
}

/** Starts three workers, and waits until all of them listen. */
export async function startWorkers(main: string, settings: Readonly<Record<string, string>>): Promise<WorkerCommand> {
  const command = spawnWorkers(main, await findFreePort(), settings)
  await vi.waitUntil(() => {
    if (command.complaints() !== '') throw new Error(command.complaints())
    return command.lines('listening').length > 0
  }, PATIENCE)
  return command
}
