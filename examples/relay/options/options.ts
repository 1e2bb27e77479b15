import type { PublishKey } from '../access/keys.js'
import type { Durability } from '../signal-log/log.js'
import { readRedisAddress } from '../signal-log/redis/redis-url.js'
import {
  choice,
  list,
  number,
  proxies,
  secretText,
  text,
  toggle,
  workers,
  type OptionRow,
} from './option-definition.js'
import { isLoopback } from '../limits/client-address.js'
import { ORIGIN_SCHEMA, readOrigin } from './origin.js'
import { PUBLISH_KEY_SCHEMA, readPublishKey, readPublishKeyText, readSecret, secretSchema } from './secrets.js'

export const VARIABLE_PREFIX = 'SIGNALPOST_'

/**
 * The options of a relay: on the command line, in the environment, in a config file, or in an embedding program. 0
 * means no limit.
 */
export interface RelaySettings {
  /** The address to listen on. @default '127.0.0.1' */
  readonly host: string
  /** The port to listen on; 0 selects a free one. @default 8081 */
  readonly port: number
  /** The prefix of all paths, that of the WebSocket included, such as `/signalpost`. @default '' */
  readonly base: string
  /** The path of the WebSocket, below `base`. @default '/signals' */
  readonly path: string
  /** Allowed origins besides the page's own host and loopback; `https://*.example.com` stands for any one label. @default [] */
  readonly origin: readonly string[]
  /** Allows clients without an Origin header. @default false */
  readonly open: boolean
  /**
   * Secrets for tokens (HS256), at least 32 characters; a token may use any of them. Makes tokens required. @default []
   */
  readonly authSecret: readonly string[]
  /** The URL of the JSON Web Key Set for tokens. Makes tokens required. @default '' */
  readonly authJwks: string
  /** The required `iss` of tokens; empty allows any. @default '' */
  readonly authIssuer: string
  /** The required `aud` of tokens, or one of theirs; empty allows any. @default '' */
  readonly authAudience: string
  /** The keys of backends. @default [] */
  readonly publishKey: readonly PublishKey[]
  /** Secrets that may revoke tokens. @default [] */
  readonly revokeKey: readonly string[]
  /** The secret for the dashboard and the metrics; empty disables both. @default '' */
  readonly dashboardKey: string
  /** The Redis that stores the log for all instances; empty keeps the log in this process. @default '' */
  readonly redis: string
  /** The start of all keys and channels in Redis: sites with different ones share nothing. @default '' */
  readonly redisPrefix: string
  /** The storage that holds a signal before the relay accepts it. @default 'memory' */
  readonly durability: Durability
  /** Signals kept per room for clients that reconnect. @default 1000 */
  readonly history: number
  /** Time for which signals are kept (ms). @default 600_000 */
  readonly historyMs: number
  /** Size of the signals kept per room, in Redis (bytes). @default 4_194_304 */
  readonly historyBytes: number
  /** Time for which ids are remembered (ms). @default 900_000 */
  readonly window: number
  /** The largest frame or body (bytes). @default 65_536 */
  readonly maxBytes: number
  /** Maximum number of connections. @default 10_000 */
  readonly maxConnections: number
  /** Maximum number of connections per address. Loopback has no limit. @default 5000 */
  readonly maxConnectionsPerAddress: number
  /** New connections per second and address, after as many at once as it may have. @default 200 */
  readonly connectionRate: number
  /** Maximum number of connections per user. @default 50 */
  readonly maxConnectionsPerUser: number
  /** Maximum number of rooms per connection. @default 128 */
  readonly maxRooms: number
  /** Signals per second and connection, twice as many in a burst. Further signals are delayed. @default 50 */
  readonly rate: number
  /** Unsent data at which a connection is closed as too slow (bytes). @default 1_048_576 */
  readonly maxBuffered: number
  /**
   * The proxies in front that append to X-Forwarded-For: their number, or their networks, such as `loopback`,
   * `10.0.0.0/8` and `cloudflare`. @default 0
   */
  readonly trustProxy: number | readonly string[]
}

/** Options of the command only: an embedding program has a logger and a configuration of its own. */
export interface CommandSettings extends RelaySettings {
  /** Processes that share the port, and their signals through Redis. @default 1 */
  readonly workers: number
  /** The lowest level to log. @default 'info' */
  readonly logLevel: string
  /** The file for the log; empty means standard output. @default '' */
  readonly logFile: string
  /** A file with lines NAME=value, below the environment; empty means none. @default '' */
  readonly envFile: string
  /** A JSON file with any of the other options; empty means none. @default '' */
  readonly config: string
}

export type OptionName = keyof CommandSettings

/** RFC 7518 requires a key as long as the hash. */
const TOKEN_SECRET_LENGTH = 32

/** Long enough against guessing. */
const KEY_LENGTH = 12

/** All options. The command line, the environment, the config file, its schema and the help use this one table. */
export const OPTIONS: { readonly [Name in OptionName]: OptionRow<CommandSettings[Name]> } = {
  host: text('address', 'address to listen on; 0.0.0.0 allows other machines', '127.0.0.1', /^[\w.:-]+$/, 'an address'),
  port: number('port', 'port to listen on; 0 selects a free one', 8081, 0, 65_535),
  base: text(
    'path',
    'prefix of all paths, --path included, such as /signalpost; X-Forwarded-Prefix is not needed, as all links are relative',
    '',
    /^(?:\/[\w-][\w.-]*)+$/,
    'a path like /signalpost, without a slash at its end',
  ),
  path: text(
    'path',
    'path of the WebSocket, below --base',
    '/signals',
    /^\/(?!(?:health|ready|metrics|publish|rooms|revoke|dashboard)(?:\/|$))[\w./-]*$/,
    'a path like /signals that the relay does not use otherwise',
  ),
  origin: list({
    unit: 'origin',
    help: "allowed origin besides the page's own host and this machine, such as https://example.com, or https://*.example.com for any one label (repeatable)",
    separator: /,/,
    readItem: readOrigin,
    schema: ORIGIN_SCHEMA,
  }),
  open: toggle('allow clients without an Origin header, which are not browsers'),
  authSecret: list({
    unit: 'secret',
    help: 'HS256 secret for tokens, at least 32 characters (repeatable); makes tokens required',
    separator: /\s/,
    readItem: (value) => readSecret(value, TOKEN_SECRET_LENGTH),
    schema: secretSchema(TOKEN_SECRET_LENGTH),
  }),
  authJwks: text(
    'url',
    'URL of the JSON Web Key Set for tokens; makes tokens required',
    '',
    /^https?:\/\/\S+$/,
    'an address like https://example.com/.well-known/jwks.json',
    checkJwks,
  ),
  authIssuer: text('issuer', 'required "iss" of tokens', '', /^.+$/, 'a text'),
  authAudience: text('audience', 'required "aud" of tokens', '', /^.+$/, 'a text'),
  publishKey: list({
    unit: 'name:secret',
    help: 'secret for POST /publish, and the name of its sender (repeatable)',
    separator: /\s/,
    readItem: readPublishKeyText,
    readJsonItem: readPublishKey,
    schema: PUBLISH_KEY_SCHEMA,
  }),
  revokeKey: list({
    unit: 'secret',
    help: 'secret for POST /revoke, which revokes tokens (repeatable)',
    separator: /\s/,
    readItem: (value) => readSecret(value, KEY_LENGTH),
    schema: secretSchema(KEY_LENGTH),
  }),
  dashboardKey: {
    unit: 'secret',
    help: 'secret for /dashboard and /metrics',
    fallback: '',
    read: (texts) => readSecret(texts.at(-1), KEY_LENGTH),
    readJson: (value) => readSecret(value, KEY_LENGTH),
    schema: secretSchema(KEY_LENGTH),
  },
  redis: secretText(
    'url',
    'Redis that stores the log for all instances, such as redis://:password@host:6379',
    checkRedis,
  ),
  redisPrefix: text(
    'text',
    'start of all keys and channels in Redis, such as shop: for one of several sites',
    '',
    /^[\w.:-]{0,64}$/,
    'up to 64 letters, digits or characters of "_.:-"',
  ),
  durability: choice('storage in Redis that holds a signal before it is accepted', ['memory', 'replica', 'disk']),
  history: number('count', 'signals kept per room', 1000),
  historyMs: number('ms', 'time for which signals are kept', 600_000),
  historyBytes: number('bytes', 'size of the signals kept per room, in Redis', 4_194_304),
  window: number(
    'ms',
    'time for which ids are remembered, to log nothing twice; pages give up on unanswered signals a minute earlier',
    900_000,
    1000,
  ),
  maxBytes: number('bytes', 'largest frame or body', 65_536, 1024, 16_777_216),
  maxConnections: number('count', 'maximum number of connections', 10_000),
  maxConnectionsPerAddress: number(
    'count',
    'maximum number of connections per address; this machine has no limit',
    5000,
  ),
  connectionRate: number(
    'count',
    'new connections per second and address, after as many at once as it may have; this machine has no limit',
    200,
  ),
  maxConnectionsPerUser: number('count', 'maximum number of connections per user', 50),
  maxRooms: number('count', 'maximum number of rooms per connection', 128),
  rate: number('count', 'signals per second and connection, twice as many in a burst; further signals are delayed', 50),
  maxBuffered: number('bytes', 'unsent bytes at which a connection is closed as too slow', 1_048_576),
  trustProxy: proxies(
    'trust the X-Forwarded-For of the proxy in front; =2 for two proxies, or networks: =loopback,10.0.0.0/8,cloudflare',
    10,
  ),
  workers: workers(
    'processes that share the port, one for each core; auto is the number of cores; more than 1 need --redis',
  ),
  logLevel: text(
    'level',
    'debug, info, warn, error or silent',
    'info',
    /^(debug|info|warn|error|silent)$/,
    'one of debug, info, warn, error, silent',
  ),
  logFile: text('file', 'file for the log instead of standard output', '', /./, 'a file'),
  envFile: text('file', 'file with variables of these options, which SIGHUP reads again', '', /./, 'a file'),
  config: text('file', 'JSON file with any of these options, which SIGHUP reads again', '', /./, 'a file'),
}

/** The names of all options. */
// The type of the table allows no other keys.
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[]

/** `maxBytes` on the command line is `--max-bytes`. */
export function flagOf(name: OptionName): string {
  return `--${dashed(name)}`
}

/** `maxBytes` in the environment is `SIGNALPOST_MAX_BYTES`. */
export function variableOf(name: OptionName): string {
  return `${VARIABLE_PREFIX}${dashed(name).replaceAll('-', '_').toUpperCase()}`
}

/** Adds the defaults. Throws when an option is invalid, or options contradict each other. */
export function resolveSettings(given: Partial<CommandSettings>): CommandSettings {
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].fallback]))
  const named = Object.entries(given).filter(([, value]) => value !== undefined)
  const settings = { ...(defaults as unknown as CommandSettings), ...checkGiven(Object.fromEntries(named)) }
  if (settings.authJwks !== '' && settings.authSecret.length > 0) {
    throw new Error('--auth-secret and --auth-jwks are two ways to check a token. Choose one.')
  }
  if (settings.redisPrefix !== '' && settings.redis === '') {
    throw new Error('--redis-prefix needs --redis: without it, the log is in this process only.')
  }
  if (settings.durability !== 'memory' && settings.redis === '') {
    throw new Error(`--durability ${settings.durability} needs --redis: without it, the log is in this process only.`)
  }
  if (settings.workers > 1 && settings.redis === '') {
    throw new Error(
      `--workers ${settings.workers} needs --redis: the workers share their signals through it. Start a Redis and name it, as in --redis redis://127.0.0.1:6379, or leave out --workers.`,
    )
  }
  return settings
}

/** Converts a limit of 0 to infinity. */
export function limitOf(value: number): number {
  return value === 0 ? Number.POSITIVE_INFINITY : value
}

/** Validates the options of an embedding program, which no parser has seen. */
function checkGiven(given: Readonly<Record<string, unknown>>): Partial<CommandSettings> {
  const read = OPTION_NAMES.filter((name) => name in given).map((name) => {
    const value = given[name]
    if (value === OPTIONS[name].fallback) return [name, value]
    try {
      return [name, OPTIONS[name].readJson(value)]
    } catch (error) {
      throw new Error(`${name} ${error instanceof Error ? error.message : ''}.`, { cause: error })
    }
  })
  return Object.fromEntries(read) as Partial<CommandSettings>
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function checkJwks(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url && (url.protocol === 'https:' || isLoopback(url.hostname))) return value
  throw new Error('must begin with https://, because an attacker who replaces the keys in transit can sign any token')
}

function checkRedis(value: string): string {
  readRedisAddress(value)
  return value
}
