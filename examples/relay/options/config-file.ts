import { OPTION_NAMES, OPTIONS, type CommandSettings, type OptionName } from './options.js'

/** A file cannot name files of options. */
const FILE_OPTIONS = OPTION_NAMES.filter((name) => name !== 'config' && name !== 'envFile')

/** Parses a config file. The text of an error fits on one line, and never repeats a secret. */
export function readConfig(text: string, file: string): Partial<CommandSettings> {
  const settings = Object.entries(fieldsOf(text, file)).flatMap(([key, value]) => {
    if (key === '$schema') return []
    const name = FILE_OPTIONS.find((known) => known === key)
    if (!name) throw new Error(`${file} has the unknown option "${key}"${adviseOn(key)}`)
    return [[name, readValue(name, value, file)]]
  })
  return Object.fromEntries(settings) as Partial<CommandSettings>
}

/** The JSON schema of config files, for editors. */
export function configSchema(): Readonly<Record<string, unknown>> {
  const options = FILE_OPTIONS.map((name) => {
    const { help, fallback, schema } = OPTIONS[name]
    return [name, { description: help, default: fallback, ...schema }]
  })
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The configuration of a signalpost relay',
    type: 'object',
    additionalProperties: false,
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(options) },
  }
}

function fieldsOf(text: string, file: string): object {
  const value = parse(text, file)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new Error(`${file} must hold a JSON object, such as {"port": 8081}.`)
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The text of the error may quote the file, and thus a secret.
    const position = /position (\d+)/.exec(String(error))?.[1]
    const line = position && text.slice(0, Number(position)).split('\n').length
    throw new Error(`${file} is not JSON${line ? `: look at line ${line}` : ''}.`, { cause: error })
  }
}

function readValue(name: OptionName, value: unknown, file: string): unknown {
  try {
    return OPTIONS[name].readJson(value)
  } catch (error) {
    throw new Error(`${file}: ${name} ${error instanceof Error ? error.message : ''}.`, { cause: error })
  }
}

/** Suggests the key for an option that is written as on the command line. */
function adviseOn(key: string): string {
  const camel = key.replace(/^--/, '').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return camel !== key && OPTION_NAMES.some((name) => name === camel) ? `. Write "${camel}".` : '.'
}
