import { pino, type DestinationStream } from 'pino'

/** Maximum size of lines that wait for disk space (bytes). */
const MAX_BUFFERED = 1_048_576

const SECRETS = ['token', 'secret', 'password', 'authorization', 'cookie', 'data']

export interface LoggerOptions {
  /** The lowest level to write. */
  readonly level: string
  /** The file to write to; empty means standard output. @default '' */
  readonly file?: string
  /** Called once, when lines cannot be written. They are buffered then, and dropped when the buffer is full. */
  readonly onTrouble?: (error: unknown) => void
  /** Replaces the file. */
  readonly destination?: DestinationStream
  /** The number of the worker, for its lines. */
  readonly worker?: number
}

/**
 * Creates a logger that writes lines of JSON. Throws when the file cannot be opened. `reopen` opens a moved file anew,
 * and `writeLine` writes a line of a worker's logger.
 */
export function createLogger({ level, file = '', onTrouble = () => {}, destination, worker }: LoggerOptions) {
  const output = destination ? undefined : open(file, onTrouble)
  const stream = destination ?? output
  const options = {
    level,
    base: worker === undefined ? null : { worker },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // A safeguard: no code logs these fields.
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
  }
  const logger = pino(options, stream)
  return Object.assign(logger, {
    reopen: () => (file === '' ? undefined : output?.reopen()),
    writeLine: (line: string) => void stream?.write(line),
  })
}

function open(file: string, onTrouble: (error: unknown) => void) {
  const target = file ? { dest: file, mkdir: true } : { dest: 1 }
  const stream = pino.destination({ ...target, sync: true, maxLength: MAX_BUFFERED })
  let hasReported = false
  stream.on('error', (error: unknown) => {
    if (!hasReported) onTrouble(error)
    hasReported = true
  })
  return stream
}
