import { SignalError } from './errors.js'
import { isName } from './protocol/names.js'

/** What an option may be: names of types, as `typeof` gives them, or the values themselves. */
export type OptionRules = { readonly [name: string]: readonly string[] }

/**
 * Checks options that an application hands in; a misspelt one would be silently without effect.
 *
 * @throws SignalError `bad-option`.
 */
export function checkOptions(options: object | undefined, rules: OptionRules): void {
  if (typeof (options ?? {}) !== 'object') throw badOption(`Options are an object, not ${quote(options)}`)
  for (const [name, value] of Object.entries(options ?? {})) {
    if (!Object.hasOwn(rules, name)) {
      throw badOption(`There is no option ${quote(name)}, but ${Object.keys(rules).join(', ')}`)
    }
    const allowed = rules[name]
    if (value === undefined || allowed?.includes(typeof value) || allowed?.includes(value as string)) continue
    throw badOption(`The option "${name}" takes ${allowed?.join(' or ')}, not ${quote(value)}`)
  }
}

/**
 * Checks the name of a signal or a room.
 *
 * @throws SignalError `bad-name`.
 */
export function checkName(name: unknown): void {
  if (isName(name)) return
  const rule = 'begin with a letter, go on with letters, digits or _ . : - and stop at 128 characters'
  throw new SignalError('bad-name', `${quote(name)} is not a name: ${rule}.`)
}

export function badOption(what: string): SignalError {
  return new SignalError('bad-option', `${what}.`)
}

function quote(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 40))
}
