import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readConfig } from './config-file.js'
import { parseEnvFile, withoutFile, type Environment } from './env-file.js'
import {
  flagOf,
  OPTION_NAMES,
  OPTIONS,
  resolveSettings,
  VARIABLE_PREFIX,
  variableOf,
  type CommandSettings,
  type OptionName,
} from './options.js'

const HELP = `signalpost: any page says that something happened; every page that cares reacts.

  signalpost relay [options]    start a relay
  signalpost relay --help       all options of the relay
  signalpost --version          the version`

/** Variables that Kubernetes and Docker set for a service of this name. */
const ORCHESTRATOR_VARIABLE = /^SIGNALPOST_(SERVICE|PORT)_/

/** The options by group, in the order of the help. */
const HELP_GROUPS: { readonly [title: string]: readonly OptionName[] } = {
  Network: ['host', 'port', 'base', 'path', 'trustProxy'],
  Access: ['origin', 'open', 'authSecret', 'authJwks', 'authIssuer', 'authAudience'],
  Backends: ['publishKey', 'revokeKey'],
  History: ['redis', 'redisPrefix', 'durability', 'history', 'historyMs', 'historyBytes', 'window'],
  Limits: [
    'maxBytes',
    'maxConnections',
    'maxConnectionsPerAddress',
    'connectionRate',
    'maxConnectionsPerUser',
    'maxRooms',
    'rate',
    'maxBuffered',
  ],
  Operation: ['workers', 'dashboardKey', 'logLevel', 'logFile', 'envFile', 'config'],
}

const SEE_HELP = 'Run signalpost relay --help for all options.'

/** The result of parsing the command line. */
export type Command =
  | { readonly run: 'relay'; readonly settings: CommandSettings; readonly reread: () => CommandSettings }
  | { readonly run: 'print'; readonly text: string }
  | { readonly run: 'fail'; readonly text: string }

type ReadFile = (path: string) => string

/** Reads the command line, the environment and both files, in this order of precedence. */
export function readCommand(
  args: readonly string[],
  environment: Environment,
  version: string,
  readFile: ReadFile = (path) => readFileSync(path, 'utf8'),
): Command {
  const [first, ...rest] = args
  if (first === '--version' || first === '-v') return { run: 'print', text: version }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help')
    return { run: 'print', text: HELP }
  if (first !== 'relay') return fail(`unknown command "${first}". Run signalpost --help for all commands.`)
  if (rest.includes('--help') || rest.includes('-h')) return { run: 'print', text: relayHelp() }
  if (rest.includes('--version')) return { run: 'print', text: version }
  try {
    const reread = createSettingsReader(rest, environment, readFile)
    return { run: 'relay', settings: reread(), reread }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

/** Returns a function that reads the files again. The environment is that of the start. */
function createSettingsReader(
  args: readonly string[],
  environment: Environment,
  readFile: ReadFile,
): () => CommandSettings {
  const direct = readArguments(args)
  const envFile = direct.envFile ?? environment[variableOf('envFile')] ?? ''
  const readEnvFile = (): Environment =>
    envFile === '' ? {} : parseEnvFile(read(envFile, 'environment file', 'envFile', readFile))
  const own = withoutFile(environment, readEnvFile())
  return () => {
    const given = { ...readEnvironment({ ...readEnvFile(), ...own }), ...direct }
    const config = given.config ? readConfig(read(given.config, 'config file', 'config', readFile), given.config) : {}
    return resolveSettings({ ...config, ...given })
  }
}

function fail(text: string): Command {
  return { run: 'fail', text: `signalpost: ${text}` }
}

function read(file: string, kind: string, option: OptionName, readFile: ReadFile): string {
  try {
    return readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new Error(`the ${kind} ${file} cannot be read${code}. Name another with ${flagOf(option)}.`, { cause: error })
  }
}

function readArguments(args: readonly string[]): Partial<CommandSettings> {
  const options = Object.fromEntries(OPTION_NAMES.map((name) => [flagOf(name).slice(2), shapeOf(name)]))
  // Not strict, because the errors of the strict parser do not name the remedy.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const given = new Map<OptionName, string[]>()
  let switched = ''
  for (const token of tokens) {
    if (token.kind === 'positional') {
      const advice = switched === '' ? SEE_HELP : `Write ${switched}=${token.value}.`
      throw new Error(`"${token.value}" is not an option. ${advice}`)
    }
    if (token.kind !== 'option') continue
    const name = OPTION_NAMES.find((known) => flagOf(known) === token.rawName)
    if (!name) throw new Error(`unknown option ${token.rawName}. ${SEE_HELP}`)
    if (OPTIONS[name].unit && token.value === undefined) throw new Error(`${token.rawName} needs a value. ${SEE_HELP}`)
    switched = token.value === undefined ? token.rawName : ''
    given.set(name, [...(given.get(name) ?? []), token.value ?? ''])
  }
  return readAll(given, flagOf)
}

function readEnvironment(environment: Environment): Partial<CommandSettings> {
  const given = new Map<OptionName, string[]>()
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || !value || ORCHESTRATOR_VARIABLE.test(variable)) continue
    const name = OPTION_NAMES.find((known) => variableOf(known) === variable)
    if (!name) throw new Error(`the environment variable ${variable} is not an option. Unset it. ${SEE_HELP}`)
    given.set(name, [value])
  }
  return readAll(given, variableOf)
}

type Given = ReadonlyMap<OptionName, readonly string[]>

function readAll(given: Given, nameOf: (name: OptionName) => string): Partial<CommandSettings> {
  const read = [...given].map(([name, texts]) => {
    try {
      return [name, OPTIONS[name].read(texts)]
    } catch (error) {
      throw new Error(`${nameOf(name)} ${error instanceof Error ? error.message : ''}. ${SEE_HELP}`, { cause: error })
    }
  })
  return Object.fromEntries(read) as Partial<CommandSettings>
}

function shapeOf(name: OptionName): { type: 'string' | 'boolean'; multiple: true } {
  return { type: OPTIONS[name].unit ? 'string' : 'boolean', multiple: true }
}

function relayHelp(): string {
  const headOf = (name: OptionName): string => [flagOf(name), OPTIONS[name].unit && `<${OPTIONS[name].unit}>`].join(' ')
  const width = Math.max(...OPTION_NAMES.map((name) => headOf(name).length))
  const lineOf = (name: OptionName): string => {
    const { fallback, help } = OPTIONS[name]
    const isShown = typeof fallback === 'number' || (typeof fallback === 'string' && fallback !== '')
    return `  ${headOf(name).padEnd(width)}  ${help}${isShown ? ` (${fallback})` : ''}`
  }
  const groups = Object.entries(HELP_GROUPS).map(([title, names]) => [`${title}:`, ...names.map(lineOf)].join('\n'))
  return `signalpost relay [options]

${groups.join('\n\n')}

A repeatable option may occur several times; commas may also separate origins, and spaces secrets.
A limit of 0 means no limit.
Each option is also an environment variable: ${flagOf('port')} is ${variableOf('port')}, ${flagOf('maxBytes')} is ${variableOf('maxBytes')}.
Each option is also a key of the config file: "maxBytes".
The command line takes precedence over the environment, then come the environment file and the config file.
On SIGHUP the relay reads both files again, applies changed origins, keys, secrets and limits, and reopens its log file.`
}
