import type { PublishKey } from './access.js'

/** What a relay can be told, on the command line, in the environment, or when it is embedded. 0 means no limit. */
export interface RelaySettings {
  /** The address to listen on. @default '127.0.0.1' */
  readonly host: string
  /** The port to listen on; 0 takes a free one. @default 8081 */
  readonly port: number
  /** The path of the WebSocket. @default '/signals' */
  readonly path: string
  /** Origins allowed beside the page's own host and this machine. @default [] */
  readonly origin: readonly string[]
  /** Lets in clients that send no Origin header. @default false */
  readonly open: boolean
  /** The keys of backends. @default [] */
  readonly publishKey: readonly PublishKey[]
  /** Signals kept per room for those who come back. @default 1000 */
  readonly history: number
  /** How long they are kept, in milliseconds. @default 600_000 */
  readonly historyMs: number
  /** How long ids are remembered, in milliseconds. @default 900_000 */
  readonly window: number
  /** The largest frame or body, in bytes. @default 65_536 */
  readonly maxBytes: number
  /** Connections at a time. @default 10_000 */
  readonly maxConnections: number
  /** Rooms per connection. @default 128 */
  readonly maxRooms: number
  /** Unsent bytes at which a connection is too slow. @default 1_048_576 */
  readonly maxBuffered: number
  /** The least important lines to log. @default 'info' */
  readonly logLevel: string
  /** A file for the log; empty means standard output. @default '' */
  readonly logFile: string
}

export interface OptionRow<Value> {
  /** What stands for the value in the help; a switch has none. */
  readonly unit?: string
  readonly help: string
  readonly fallback: Value
  /** Reads the texts that were given, at least one. Throws an error whose text ends the sentence "--name …". */
  readonly read: (texts: readonly string[]) => Value
}

/** Every option: the command line, the environment and the help are made from this one table. */
export const OPTIONS: { readonly [Key in keyof RelaySettings]: OptionRow<RelaySettings[Key]> } = {
  host: text(
    'address',
    'address to listen on; 0.0.0.0 lets other machines in',
    '127.0.0.1',
    /^[\w.:-]+$/,
    'an address',
  ),
  port: number('port', 'port to listen on; 0 takes a free one', 8081, 0, 65_535),
  path: text('path', 'path of the WebSocket', '/signals', /^\/[\w./-]*$/, 'a path like /signals'),
  origin: {
    unit: 'origin',
    help: "origin to allow beside the page's own host and this machine, such as https://example.com; a list",
    fallback: [],
    read: (texts) => split(texts).map(readOrigin),
  },
  open: {
    help: 'let in clients without an Origin header, which are not browsers',
    fallback: false,
    read: (texts) => readSwitch(last(texts)),
  },
  publishKey: {
    unit: 'name:secret',
    help: 'secret for POST /publish, and the name shown as its sender; a list',
    fallback: [],
    read: (texts) => split(texts).map(readPublishKey),
  },
  history: number('count', 'signals kept per room', 1000),
  historyMs: number('ms', 'how long they are kept', 600_000),
  window: number('ms', 'how long ids are remembered, so that nothing is logged twice', 900_000, 1000),
  maxBytes: number('bytes', 'largest frame or body', 65_536, 1024, 16_777_216),
  maxConnections: number('count', 'connections at a time', 10_000),
  maxRooms: number('count', 'rooms per connection', 128),
  maxBuffered: number('bytes', 'unsent bytes at which a connection is closed as too slow', 1_048_576),
  logLevel: text(
    'level',
    'debug, info, warn, error or silent',
    'info',
    /^(debug|info|warn|error|silent)$/,
    'one of debug, info, warn, error, silent',
  ),
  logFile: text('file', 'file for the log instead of standard output', '', /./, 'a file'),
}

/** The names of the options in the order of the help. */
// The keys of a table whose type has no others.
export const OPTION_NAMES = Object.keys(OPTIONS) as (keyof RelaySettings)[]

/** `maxBytes` on the command line is `--max-bytes`. */
export function flagOf(name: keyof RelaySettings): string {
  return `--${dashed(name)}`
}

/** `maxBytes` in the environment is `SIGNALPOST_MAX_BYTES`. */
export function variableOf(name: keyof RelaySettings): string {
  return `${VARIABLE_PREFIX}${dashed(name).replaceAll('-', '_').toUpperCase()}`
}

export const VARIABLE_PREFIX = 'SIGNALPOST_'

/** Fills in the defaults. */
export function settle(given: Partial<RelaySettings>): RelaySettings {
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].fallback]))
  return { ...(defaults as unknown as RelaySettings), ...given }
}

/** A limit of 0 is none. */
export function limit(value: number): number {
  return value === 0 ? Number.POSITIVE_INFINITY : value
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function last(texts: readonly string[]): string {
  return texts.at(-1) ?? ''
}

function split(texts: readonly string[]): string[] {
  return texts
    .flatMap((list) => list.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function text(unit: string, help: string, fallback: string, form: RegExp, wanted: string): OptionRow<string> {
  const read = (texts: readonly string[]): string => {
    const value = last(texts)
    if (form.test(value)) return value
    throw new Error(`must be ${wanted}, not "${value}"`)
  }
  return { unit, help, fallback, read }
}

function number(
  unit: string,
  help: string,
  fallback: number,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): OptionRow<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  const read = (texts: readonly string[]): number => {
    const value = last(texts)
    const parsed = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (parsed >= min && parsed <= max) return parsed
    throw new Error(`must be a whole number ${range}, not "${value}"`)
  }
  return { unit, help, fallback, read }
}

function readSwitch(value: string): boolean {
  if (['', '1', 'true', 'yes', 'on'].includes(value)) return true
  if (['0', 'false', 'no', 'off'].includes(value)) return false
  throw new Error(`must be 1 or 0, not "${value}"`)
}

function readOrigin(value: string): string {
  const isWeb = /^https?:\/\//i.test(value) && URL.canParse(value)
  const canonical = isWeb ? new URL(value).origin : value
  if (canonical === value && !value.includes('*') && /^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/.test(value)) return value
  throw new Error(`must be like ${isWeb ? canonical : 'https://example.com'}, without a path, not "${value}"`)
}

function readPublishKey(value: string): PublishKey {
  const colon = value.indexOf(':')
  const name = colon < 0 ? 'server' : value.slice(0, colon)
  const secret = value.slice(colon + 1)
  // The value is a secret: it is not repeated.
  if (!/^[A-Za-z][\w.-]{0,63}$/.test(name) || secret === '') throw new Error('must be a secret, or name:secret')
  return { name, secret }
}
