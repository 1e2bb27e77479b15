import { call } from '../page/dom.js'
import { SignalError } from '../errors.js'
import { badOption } from '../option-checks.js'
import type { JsonValue } from '../protocol/frames.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import { USER_CONTENT } from '../page/user-content.js'
import type { Signal } from '../signals.js'

/** The attributes that page authors write. */
export const Attribute = {
  Refresh: 'data-signal-refresh',
  Source: 'data-signal-src',
  Form: 'data-signal-form',
  Swap: 'data-signal-swap',
  Where: 'data-signal-where',
  Room: 'data-signal-room',
  Send: 'data-signal-send',
  Data: 'data-signal-data',
  Status: 'data-signal-status',
  /** On user content: no attribute of the element, or inside of it, does anything. */
  Ignore: 'data-signal-ignore',
} as const
export type Attribute = (typeof Attribute)[keyof typeof Attribute]

/** Reports an error of an element. */
export type Report = (element: Element, cause: unknown) => void

/** Whether the page has marked an element as user content. */
export function isIgnored(element: Element): boolean {
  return call(element, 'matches', USER_CONTENT)
}

/** Returns the names in an attribute, separated by spaces or commas. */
export function namesIn(element: Element, attribute: Attribute): string[] {
  const names = call(element, 'getAttribute', attribute)?.match(/[^\s,]+/g)
  if (!names) throw new SignalError('bad-name', `${attribute} needs the name of a signal.`)
  return names
}

/** Returns the room of an element: its own, or that of the nearest ancestor with a room. */
export function roomOf(element: Element): string {
  const named = call(element, 'closest', `[${Attribute.Room}]`)
  return (named && call(named, 'getAttribute', Attribute.Room)) ?? DEFAULT_ROOM
}

/** Returns the data that an element sends with its signals. */
export function dataOf(element: Element): JsonValue | undefined {
  const text = call(element, 'getAttribute', Attribute.Data)
  try {
    return text === null ? undefined : (JSON.parse(text) as JsonValue)
  } catch (cause) {
    throw new SignalError('bad-data', `${Attribute.Data} takes JSON, like {"userId": 123}.`, cause)
  }
}

/** Returns the predicate of an attribute like `userId=123, region=north`: all conditions must hold for the data's fields. */
export function conditionsOf(element: Element): ((signal: Signal) => boolean) | undefined {
  const conditions = call(element, 'getAttribute', Attribute.Where)?.split(',').map(parseCondition)
  return conditions && (({ data }) => conditions.every((condition) => fulfills(data, condition)))
}

type Condition = [field: string, text: string]

function parseCondition(text: string): Condition {
  const end = text.indexOf('=')
  const field = text.slice(0, end).trim()
  if (end < 0 || !/^\S+$/.test(field)) throw badOption(`${Attribute.Where} is like userId=123, region=north`)
  return [field, text.slice(end + 1).trim()]
}

function fulfills(data: JsonValue | undefined, [field, text]: Condition): boolean {
  return Object.entries(data ?? {}).some(
    ([name, value]: [string, unknown]) => name === field && equalsText(value, text),
  )
}

/** Whether a text equals a value: a string as it is, a number in any notation, any other value as JSON. */
function equalsText(value: unknown, text: string): boolean {
  return value === text || JSON.stringify(value) === text || (text !== '' && Number(text) === value)
}
