import { availableParallelism } from 'node:os'
import { isNetwork, type TrustedProxies } from '../limits/networks.js'

/** One option: its parsers, and its entries in the help and the schema. */
export interface OptionRow<Value> {
  /** The placeholder of the value in the help. Switches have none. */
  readonly unit?: string
  readonly help: string
  readonly fallback: Value
  /** Parses the given texts, at least one. The text of an error continues "--name …". */
  readonly read: (texts: readonly string[]) => Value
  /** Parses the value of a config file, with the same errors. */
  readonly readJson: (value: unknown) => Value
  /** The JSON schema of the value in a config file. */
  readonly schema: Schema
}

export type Schema = Readonly<Record<string, unknown>>

export function text(
  unit: string,
  help: string,
  fallback: string,
  form: RegExp,
  expected: string,
  check: (value: string) => string = (value) => value,
): OptionRow<string> {
  const readOne = (value: string): string => {
    if (form.test(value)) return check(value)
    throw new Error(`must be ${expected}, not "${value}"`)
  }
  return {
    unit,
    help,
    fallback,
    read: (texts) => readOne(last(texts)),
    readJson: (value) => readOne(readText(value)),
    schema: { type: 'string', pattern: form.source },
  }
}

/** A text that may contain a secret: errors do not repeat it. */
export function secretText(unit: string, help: string, check: (value: string) => string): OptionRow<string> {
  return {
    unit,
    help,
    fallback: '',
    read: (texts) => check(last(texts)),
    readJson: (value) => check(readText(value)),
    schema: { type: 'string' },
  }
}

/** One of several words. The first is the default. */
export function choice<Word extends string>(help: string, words: readonly [Word, ...Word[]]): OptionRow<Word> {
  const readOne = (value: unknown): Word => {
    const word = words.find((known) => known === value)
    if (word !== undefined) return word
    throw new Error(`must be one of ${words.join(', ')}, not ${JSON.stringify(value)}`)
  }
  return {
    unit: words.join('|'),
    help,
    fallback: words[0],
    read: (texts) => readOne(last(texts)),
    readJson: readOne,
    schema: { enum: words },
  }
}

export function number(
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
  return {
    unit,
    help,
    fallback,
    read,
    readJson: (value) => read([typeof value === 'number' ? String(value) : JSON.stringify(value)]),
    schema: { type: 'integer', minimum: min, ...(max !== Number.MAX_SAFE_INTEGER && { maximum: max }) },
  }
}

/** A number of processes, or `auto` for the number of cores. */
export function workers(help: string): OptionRow<number> {
  const counted = number('count|auto', help, 1, 1, 256)
  const readOne = (value: unknown, read: () => number): number => {
    if (value === 'auto') return availableParallelism()
    try {
      return read()
    } catch (error) {
      throw new Error(`must be auto, or a whole number from 1 to 256, not ${JSON.stringify(value)}`, { cause: error })
    }
  }
  return {
    ...counted,
    read: (texts) => readOne(last(texts), () => counted.read(texts)),
    readJson: (value) => readOne(value, () => counted.readJson(value)),
    schema: { anyOf: [counted.schema, { const: 'auto' }] },
  }
}

export function toggle(help: string): OptionRow<boolean> {
  return {
    help,
    fallback: false,
    read: (texts) => readSwitch(last(texts)),
    readJson(value) {
      if (typeof value === 'boolean') return value
      throw new Error('must be true or false')
    },
    schema: { type: 'boolean' },
  }
}

/** The proxies in front: a switch (on is 1, off is 0), their number, or their networks. */
export function proxies(help: string, max: number): OptionRow<TrustedProxies> {
  const expected = `must be a number of proxies up to ${max}, or networks such as loopback,10.0.0.0/8,cloudflare`
  const readOne = (value: string): TrustedProxies => {
    if (SWITCHES.has(value)) return SWITCHES.get(value) ? 1 : 0
    if (/^\d+$/.test(value) && Number(value) <= max) return Number(value)
    return readNetworks([value])
  }
  const readNetworks = (values: readonly unknown[]): readonly string[] => {
    const networks = values.filter((value) => typeof value === 'string' && isNetwork(value))
    if (networks.length === values.length && values.length > 0) return networks as readonly string[]
    throw new Error(`${expected}, not ${JSON.stringify(values.find((value) => !networks.includes(value)) ?? values)}`)
  }
  const read = (texts: readonly string[]): TrustedProxies => {
    const values = texts.flatMap((given) => given.split(/[\s,]+/)).filter(Boolean)
    return values.length > 1 ? readNetworks(values) : readOne(values[0] ?? '')
  }
  return {
    help,
    fallback: 0,
    read,
    readJson(value) {
      if (typeof value === 'boolean' || typeof value === 'number') return read([String(value)])
      return readNetworks(Array.isArray(value) ? value : [value])
    },
    schema: {
      anyOf: [
        { type: 'boolean' },
        { type: 'integer', minimum: 0, maximum: max },
        { type: 'string' },
        { type: 'array', items: { type: 'string' }, minItems: 1 },
      ],
    },
  }
}

export interface ListOptions<Item> {
  readonly unit: string
  readonly help: string
  readonly separator: RegExp
  readonly readItem: (text: string) => Item
  readonly readJsonItem?: (value: unknown) => Item
  readonly schema: Schema
}

export function list<Item>(options: ListOptions<Item>): OptionRow<readonly Item[]> {
  const { unit, help, separator, readItem, schema } = options
  const { readJsonItem = (value) => readItem(readText(value)) } = options
  return {
    unit,
    help,
    fallback: [],
    read(texts) {
      const items = texts.flatMap((given) => given.split(separator).map((item) => item.trim())).filter(Boolean)
      // An empty value usually means an unset shell variable; for a secret it would open the relay to everybody.
      if (items.length === 0) throw new Error('needs a value')
      return items.map((item) => readItem(item))
    },
    readJson(value) {
      if (Array.isArray(value)) return value.map((item) => readJsonItem(item))
      throw new Error('must be a list')
    },
    schema: { type: 'array', items: schema },
  }
}

function readText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Error('must be a text')
}

function last(texts: readonly string[]): string {
  return texts.at(-1) ?? ''
}

const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ...['', '1', 'true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, false] as const),
])

function readSwitch(value: string): boolean {
  const isOn = SWITCHES.get(value)
  if (isOn !== undefined) return isOn
  throw new Error(`must be 1 or 0, not "${value}"`)
}
