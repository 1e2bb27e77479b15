import cluster, { type Worker } from 'node:cluster'
import type { RelayAddress } from '../relay.js'
import type { FromWorker, StartFailure, ToWorker } from './messages.js'

/** A worker that served for so long was well (ms). */
const STABLE = 10_000
/** The delay before the replacement of a worker that was not well, doubled each time (ms). */
const FIRST_DELAY = 100
const MAX_DELAY = 10_000

export interface WorkerProcessOptions {
  /** Numbers begin with 1. A replacement has the number of its predecessor. */
  readonly number: number
  /** Returns the first messages to a new process. */
  readonly greeting: () => readonly ToWorker[]
  readonly onReady: (address: RelayAddress) => void
  readonly onFailure: (failure: StartFailure) => void
  readonly onMessage: (message: FromWorker) => void
  /** @param delay Time until the replacement starts (ms). */
  readonly onExit: (cause: string, isClean: boolean, delay: number) => void
}

/** One worker, and its replacements. */
export interface WorkerProcess {
  readonly number: number
  /** True while the worker accepts connections. */
  readonly isReady: boolean
  start(): void
  send(message: ToWorker): void
  /** Starts a replacement after a delay (ms). */
  restart(delay: number): void
  /** Drains the worker, and resolves when it has ended. Rejects when it ended by a failure. */
  stop(): Promise<void>
}

export function createWorkerProcess(options: WorkerProcessOptions): WorkerProcess {
  const { number, greeting, onReady, onFailure, onMessage, onExit } = options
  let worker: Worker | undefined
  let isLoaded = false
  let readyAt: number | undefined
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  function start(): void {
    worker = cluster.fork()
    worker.on('message', receive)
    worker.once('exit', onWorkerExit)
    // A message may meet a worker that is ending.
    worker.on('error', () => {})
  }

  function send(message: ToWorker): void {
    if (isLoaded && worker?.isConnected()) worker.send(message)
  }

  function receive(message: FromWorker): void {
    switch (message.type) {
      case 'loaded':
        isLoaded = true
        return greeting().forEach(send)
      case 'ready':
        readyAt = performance.now()
        return onReady(message.address)
      case 'failed':
        return onFailure(message.failure)
      default:
        onMessage(message)
    }
  }

  function onWorkerExit(code: number | null, signal: string | null): void {
    const wasWell = readyAt !== undefined && performance.now() - readyAt >= STABLE
    failures = wasWell ? 0 : failures + 1
    worker = undefined
    isLoaded = false
    readyAt = undefined
    const delay = failures === 0 ? 0 : Math.min(FIRST_DELAY * 2 ** failures, MAX_DELAY)
    onExit(signal ?? `code ${code}`, code === 0, delay)
  }

  return {
    number,
    get isReady() {
      return readyAt !== undefined
    },
    start,
    send,
    restart(delay) {
      timer = setTimeout(start, delay)
    },
    stop() {
      clearTimeout(timer)
      const ending = worker
      if (!ending) return Promise.resolve()
      const isServing = readyAt !== undefined
      return new Promise((resolve, reject) => {
        ending.once('exit', (code, signal) => {
          if (code === 0 || !isServing) resolve()
          else reject(new Error(`Worker ${number} ended with ${signal ?? `code ${code}`} while it shut down.`))
        })
        if (isServing) send({ type: 'stop' })
        else ending.process.kill('SIGKILL')
      })
    },
  }
}
