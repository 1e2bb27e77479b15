import { pino, type DestinationStream } from 'pino'

/** Bytes of lines that wait for a disk to have room again. */
const MAX_BUFFERED = 1_048_576

const SECRETS = ['token', 'secret', 'password', 'authorization', 'cookie', 'data']

export interface LoggerOptions {
  /** The least important lines to write. */
  readonly level: string
  /** Where to; empty means standard output. */
  readonly file: string
  /** Hears, once, that lines cannot be written. They wait then, and those that are too many are dropped. */
  readonly onTrouble: (error: unknown) => void
  /** Where to instead. */
  readonly destination?: DestinationStream
}

/** Writes a line of JSON for everything that happens. Throws when the file cannot be opened. */
export function createLogger({ level, file, onTrouble, destination = open(file, onTrouble) }: LoggerOptions) {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // Nothing logs them; should something ever do, they stay out all the same.
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
  }
  return pino(options, destination)
}

function open(file: string, onTrouble: LoggerOptions['onTrouble']): DestinationStream {
  const target = file ? { dest: file, mkdir: true } : { dest: 1 }
  const stream = pino.destination({ ...target, sync: true, maxLength: MAX_BUFFERED })
  let hasReported = false
  stream.on('error', (error: unknown) => {
    if (!hasReported) onTrouble(error)
    hasReported = true
  })
  return stream
}
