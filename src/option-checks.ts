import { SignalError } from './errors.js'
import { isName } from './protocol/names.js'

/** The values of each option, between spaces: names of types, as `typeof` gives them, or the values themselves. */
export type OptionRules = { readonly [name: string]: string }

/**
 * Checks the options of a call: a misspelt option would have no effect.
 *
 * @throws SignalError `bad-option`.
 */
export function checkOptions(options: object | null | undefined, rules: OptionRules): void {
  const given = options ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) throw badOption('Options must be an object')
  for (const [name, value] of Object.entries(given)) {
    const names = Object.keys(rules)
    const allowed = names.includes(name) && rules[name]?.split(' ')
    if (!allowed) throw badOption(`Unknown option ${quote(name)}. Options: ${names.join(', ')}`)
    if (value === undefined || allowed.includes(typeof value) || allowed.includes(value as string)) continue
    throw badOption(`The option "${name}" takes ${allowed.join(' or ')}, not ${quote(value)}`)
  }
}

/** @throws SignalError `bad-option`. */
export function checkFunction(value: unknown, whose: string): void {
  if (typeof value !== 'function') throw badOption(`${whose} needs a function to call`)
}

/**
 * Checks the name of a signal or a room.
 *
 * @throws SignalError `bad-name`.
 */
export function checkName(name: unknown): void {
  if (isName(name)) return
  const rule = 'a letter, then at most 127 letters, digits or _ . : -'
  throw new SignalError('bad-name', `${quote(name)} is not a name: ${rule}`)
}

export function badOption(what: string): SignalError {
  return new SignalError('bad-option', `${what}.`)
}

/** Any value but a text may hold data or a token: name its type only. */
function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `${value === null ? value : typeof value}`
}
