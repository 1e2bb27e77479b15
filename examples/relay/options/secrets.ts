import type { PublishKey } from '../access/keys.js'
import type { Schema } from './option-definition.js'
import { isPattern, PATTERN } from '../access/patterns.js'

// Errors of this file never repeat a value, because it is a secret.

export function secretSchema(minLength: number): Schema {
  return { type: 'string', pattern: `^\\S{${minLength},}$` }
}

export function readSecret(value: unknown, minLength: number): string {
  if (typeof value === 'string' && /^\S*$/.test(value) && value.length >= minLength) return value
  throw new Error(`must have at least ${minLength} characters and no spaces; openssl rand -base64 32 makes one`)
}

const KEY_NAME = /^[A-Za-z][\w.-]{0,63}$/
const KEY_SECRET = /^\S+$/
const PATTERNS = { type: 'array', items: { type: 'string', pattern: PATTERN.source } }

export const PUBLISH_KEY_SCHEMA: Schema = {
  anyOf: [
    { type: 'string', pattern: '^(?:[A-Za-z][\\w.-]{0,63}:\\S+|[^\\s:]+)$' },
    {
      type: 'object',
      required: ['name', 'secret'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', pattern: KEY_NAME.source },
        secret: { type: 'string', pattern: KEY_SECRET.source },
        rooms: PATTERNS,
        send: PATTERNS,
      },
    },
  ],
}

/** Parses a key of the command line or the environment. */
export function readPublishKeyText(value: string): PublishKey {
  const key = readPublishKey(value)
  // A comma may be part of a secret; a comma and a name are more likely a list.
  if (!/,[A-Za-z][\w.-]{0,63}:/.test(key.secret)) return key
  throw new Error('has two keys with a comma between them. Repeat the option, or use a space')
}

/** Parses a key of a config file, which may have a scope. */
export function readPublishKey(value: unknown): PublishKey {
  const { name, secret, rooms, send, ...others } = typeof value === 'string' ? splitKey(value) : fieldsOf(value)
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new Error(`may have name, secret, rooms and send, but has "${unknown}"`)
  const isKey = typeof name === 'string' && KEY_NAME.test(name) && typeof secret === 'string' && KEY_SECRET.test(secret)
  if (!isKey) throw new Error('must be a secret, or name:secret')
  return { name, secret, ...readPatterns('rooms', rooms), ...readPatterns('send', send) }
}

function splitKey(text: string): Readonly<Record<string, unknown>> {
  const colon = text.indexOf(':')
  return { name: colon < 0 ? 'server' : text.slice(0, colon), secret: text.slice(colon + 1) }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return { ...(value as object | null | undefined) }
}

function readPatterns(name: 'rooms' | 'send', value: unknown): Partial<PublishKey> {
  if (value === undefined) return {}
  if (Array.isArray(value) && value.every(isPattern)) return { [name]: value }
  throw new Error(`must have "${name}" as a list of names, which may end with a star`)
}
