import cluster from 'node:cluster'
import { createLogger } from '../create-logger.js'
import { watchDescriptors } from '../limits/descriptors.js'
import type { CommandSettings } from '../options/options.js'
import { createRelay, type Relay } from '../relay.js'
import { LogUnusable } from '../signal-log/log.js'
import type { FromWorker, StartFailure, ToWorker } from './messages.js'
import { createWorkerSiblings, type WorkerSiblings } from './worker-siblings.js'

type WorkerLogger = ReturnType<typeof createLogger>

interface Serving {
  readonly relay: Relay
  readonly logger: WorkerLogger
  readonly siblings: WorkerSiblings
}

/** Runs the relay of a worker, controlled by messages of the primary process. */
export function runWorker(): void {
  let serving: Serving | undefined
  let isStopping = false
  const stop = (): void => {
    isStopping = true
    void serving?.relay.close().then(() => sendLast({ type: 'stopped' }, 0))
  }
  process.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'start':
        serving = prepare(message.number, message.settings)
        return void listen(serving, () => isStopping)
      case 'reload':
        return void (serving && reload(serving, message.settings))
      case 'stop':
        return stop()
      default:
        serving?.siblings.receive(message)
    }
  })
  // systemd and terminals send their signals to all processes. A worker that gets SIGTERM alone is replaced.
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => {})
  // Node sends messages of its own, which fail when the primary process has ended. The worker ends with it.
  cluster.worker?.on('error', () => {})
  send({ type: 'loaded' })
}

function prepare(number: number, settings: CommandSettings): Serving {
  const destination = { write: (line: string) => send({ type: 'log', line }) }
  const logger = createLogger({ level: settings.logLevel, worker: number, destination })
  // Log the cause before the process exits.
  process.on('uncaughtExceptionMonitor', (error) => logger.fatal({ error: error.stack }, 'the relay failed'))
  const siblings = createWorkerSiblings(number, send)
  return { relay: createRelay({ ...settings, logger, siblings }), logger, siblings }
}

async function listen({ relay, logger }: Serving, isStopping: () => boolean): Promise<void> {
  try {
    send({ type: 'ready', address: await relay.listen() })
    watchDescriptors((text) => logger.error({}, text))
  } catch (error) {
    if (!isStopping()) sendLast({ type: 'failed', failure: failureOf(error) }, 2)
  }
}

/** The primary process has checked the settings, and logs the result. */
function reload({ relay, logger }: Serving, settings: CommandSettings): void {
  relay.reload(settings)
  logger.level = settings.logLevel
}

function failureOf(error: unknown): StartFailure {
  return {
    text: error instanceof Error ? error.message : String(error),
    code: error instanceof Error && 'code' in error ? String(error.code) : undefined,
    isLogUnusable: error instanceof LogUnusable,
  }
}

/** A worker ends with its primary process, so it may lose the messages that fail. */
function send(message: FromWorker): void {
  if (process.connected) process.send?.(message, () => {})
}

/** Exits when the message, and thus each one before, is on its way. */
function sendLast(message: FromWorker, code: number): void {
  process.send?.(message, () => process.exit(code))
}
