import { pino, type DestinationStream } from 'pino'

/**
 * Writes a line of JSON for everything that happens. Throws when the file cannot be written.
 *
 * @param file Where to; empty means standard output.
 * @param destination Where to instead.
 */
export function createLog(
  level: string,
  file: string,
  destination: DestinationStream = pino.destination(
    file ? { dest: file, mkdir: true, sync: true } : { dest: 1, sync: true },
  ),
) {
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

const SECRETS = ['token', 'secret', 'password', 'authorization', 'cookie', 'data']
