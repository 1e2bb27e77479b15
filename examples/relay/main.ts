#!/usr/bin/env node
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { setFlagsFromString } from 'node:v8'
import { readCommand, type Command } from './options/command-line.js'
import { LogUnusable } from './signal-log/log.js'
import { createLogger } from './create-logger.js'
import type { Logger } from './logger.js'
import { createRelay } from './relay.js'
import { runWorker } from './workers/worker.js'
import { createWorkerGroup, WORKER, type WorkerGroup } from './workers/worker-group.js'
import type { CommandSettings } from './options/options.js'
import { isLoopback } from './limits/client-address.js'
import { adviseOnDescriptors, readDescriptors, watchDescriptors } from './limits/descriptors.js'

// Memory of connections lives long, and memory of signals is freed at once. A growing young generation would waste 32
// MB and more.
setFlagsFromString('--semi-space-growth-factor=1')

/** A page keeps a signal for 10 minutes, and a resent one may be in transit for a minute (ms). */
const WINDOW_FOR_TEN_MINUTES = 660_000

type RelayCommand = Extract<Command, { run: 'relay' }>
type CommandLogger = ReturnType<typeof createLogger>

if (cluster.isWorker && process.argv[2] === WORKER) runWorker()
else await run(readCommand(process.argv.slice(2), process.env, readVersion()))

async function run(command: Command): Promise<void> {
  switch (command.run) {
    case 'print':
      process.stdout.write(`${command.text}\n`)
      break
    case 'fail':
      exitWith(command.text)
      break
    case 'relay':
      await start(command)
  }
}

async function start({ settings, reread }: RelayCommand): Promise<void> {
  let isStarting = true
  const logger = openLogger(settings, (error) => {
    const text = logFileAdvice(error, settings)
    if (isStarting) exitWith(text)
    process.stderr.write(`${text} The relay continues, and drops lines of the log until it can write them.\n`)
  })
  const relay = createService(settings, logger)
  // Log the cause before the process exits.
  process.on('uncaughtExceptionMonitor', (error) => logger.fatal({ error: error.stack }, 'the relay failed'))
  let isStopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(1)
    isStopping = true
    logger.info({ signal }, 'shutting down; a second signal exits at once')
    void relay.close().then(() => {
      logger.info({}, 'stopped')
      process.exit(0)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // A terminal that closes sends SIGHUP, and the relay ends with it.
  if (!isatty(0)) process.on('SIGHUP', () => reload(relay, logger, reread))
  try {
    const { url, page } = await relay.listen()
    logger.info({ url, page }, `listening${reachNote(settings)}`)
    warnAboutShortWindow(settings, logger)
    warnAboutDescriptors(settings, logger)
    isStarting = false
  } catch (error) {
    if (isStopping) return
    return exitWith(`signalpost: ${startAdvice(error, settings)}`)
  }
}

/** Creates a relay, or several workers, which start and stop like one. */
function createService(settings: CommandSettings, logger: CommandLogger): WorkerGroup {
  if (settings.workers === 1) return createRelay({ ...settings, logger })
  // A process manager's own cluster would start workers of workers.
  if (cluster.isWorker) exitWith('signalpost: --workers needs a process of its own. With PM2, use exec_mode: fork.')
  return createWorkerGroup({ settings, logger, writeLine: logger.writeLine })
}

/** Applies the changed files. Wrong settings change nothing. */
function reload(relay: WorkerGroup, logger: CommandLogger, reread: () => CommandSettings): void {
  logger.reopen()
  try {
    const settings = reread()
    const { changed, restart } = relay.reload(settings)
    logger.level = settings.logLevel
    logger.info({ changed }, 'the settings were read again')
    if (restart.length > 0) logger.warn({ options: restart }, 'these options changed, and need a restart of the relay')
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    logger.error({ text }, 'the new settings are wrong, and the relay keeps the present ones')
  }
}

function openLogger(settings: CommandSettings, onTrouble: (error: unknown) => void) {
  try {
    return createLogger({ level: settings.logLevel, file: settings.logFile, onTrouble })
  } catch (error) {
    return exitWith(logFileAdvice(error, settings))
  }
}

function logFileAdvice(error: unknown, { logFile }: CommandSettings): string {
  return logFile === ''
    ? `signalpost: standard output cannot be written (${codeOf(error)}). Name a file with --log-file.`
    : `signalpost: --log-file ${logFile} cannot be written (${codeOf(error)}). Name another file.`
}

function reachNote({ host, origin, authSecret, authJwks }: CommandSettings): string {
  if (isLoopback(host)) return '; only this machine can connect, --host 0.0.0.0 allows others'
  const isClosed = origin.length > 0 || authSecret.length > 0 || authJwks !== ''
  return isClosed ? '' : '; pages of every host name that leads here may connect, --origin restricts them'
}

function warnAboutShortWindow({ window }: CommandSettings, logger: Logger): void {
  if (window >= WINDOW_FOR_TEN_MINUTES) return
  const text =
    '--window is short: a page gives up on an unanswered signal a minute before the window ends, or after half of it'
  logger.warn({ window, enough: WINDOW_FOR_TEN_MINUTES }, text)
}

function warnAboutDescriptors({ maxConnections }: CommandSettings, logger: Logger): void {
  const { max = Number.POSITIVE_INFINITY } = readDescriptors() ?? {}
  const advice = adviseOnDescriptors(maxConnections, max)
  if (advice !== undefined) logger.warn({}, advice)
  watchDescriptors((text) => logger.error({}, text))
}

function startAdvice(error: unknown, { host, port }: CommandSettings): string {
  if (error instanceof LogUnusable) return error.message
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `port ${port} is in use. Stop the program that uses it, or choose another with --port.`
    case 'EACCES':
      return `port ${port} may not be used by this user. Choose one above 1023 with --port.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine. Choose another with --host.`
  }
  return `the relay cannot listen on ${host} port ${port}: ${String(error)}. Choose others with --host and --port.`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function exitWith(text: string): never {
  process.stderr.write(`${text}\n`)
  process.exit(2)
}

/** Two folders up from this file is the package, bundled or not. */
function readVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : 'unknown'
}
