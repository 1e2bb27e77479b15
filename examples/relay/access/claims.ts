import { isPattern } from './patterns.js'
import { rightsWithin, type Authorize, type Rights, type Scope } from './rights.js'

const MAX_ID_LENGTH = 256

/** The end of the year 9999. A time in a wrong unit is larger. */
const MAX_TIME = 253_402_300_799_999

const SECONDS = { perUnit: 1000, text: 'seconds' }
const MILLISECONDS = { perUnit: 1, text: 'milliseconds' }

/** A claim or a field of rights with an invalid value. The text contains the name, but not the value. */
export class WrongClaim extends Error {
  override readonly name = 'WrongClaim'
}

/** Maximum difference between the clocks of servers (ms). */
export const CLOCK_TOLERANCE = 5000

type Fields = Readonly<Record<string, unknown>>

/** Reads verified claims. A claim with an invalid value throws instead of being ignored. */
export function readClaims({ sub, jti, exp, nbf, iat, rooms, send }: Fields): Rights {
  readTime('nbf', nbf, SECONDS)
  const expires = readTime('exp', exp, SECONDS)
  return {
    ...readIdentity('sub', 'user', sub),
    ...readIdentity('jti', 'id', jti),
    ...optionalField('issued', readTime('iat', iat, SECONDS)),
    ...optionalField('expires', expires === undefined ? undefined : expires + CLOCK_TOLERANCE),
    ...rightsWithin({ ...readPatterns('rooms', rooms), ...readPatterns('send', send) }),
  }
}

/** Applies the rules of claims to the result of an embedding program's function. */
export function withCheckedRights(authorize: Authorize): Authorize {
  return async (token) => readRights(await authorize(token))
}

/** Reads a user or a token id. An integer becomes a text, because many libraries write ids as numbers. */
export function readId(value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && text !== '' && text.length <= MAX_ID_LENGTH ? text : undefined
}

/** Reports whether a value is a time (epoch ms). */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME
}

function readRights(given: unknown): Rights | undefined {
  if (!given) return undefined
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new WrongClaim('authorize must return an object with rights, or undefined for a token that is not good')
  }
  const { user, id, expires, issued } = given as Fields
  return {
    ...readIdentity('user', 'user', user),
    ...readIdentity('id', 'id', id),
    ...optionalField('issued', readTime('issued', issued, MILLISECONDS)),
    ...optionalField('expires', readTime('expires', expires, MILLISECONDS)),
    ...readPredicate('join', given),
    ...readPredicate('send', given),
  }
}

function readIdentity(claim: string, field: 'user' | 'id', value: unknown): Pick<Rights, 'user' | 'id'> {
  const text = readId(value)
  if (text === undefined && value !== undefined) {
    throw new WrongClaim(
      `"${claim}" must be a text of 1 to ${MAX_ID_LENGTH} characters or a whole number within ±(2^53 - 1)`,
    )
  }
  return optionalField(field, text)
}

/** Reads a time as a whole number (epoch ms). */
function readTime(claim: string, value: unknown, { perUnit, text }: typeof SECONDS): number | undefined {
  if (value === undefined) return undefined
  const time = typeof value === 'number' ? Math.floor(value * perUnit) : undefined
  if (isTime(time)) return time
  throw new WrongClaim(`"${claim}" must be a number of ${text} since 1970, before the year 10000`)
}

function readPatterns(claim: 'rooms' | 'send', value: unknown): Scope {
  if (value === undefined) return {}
  if (Array.isArray(value) && value.every(isPattern)) return { [claim]: value }
  throw new WrongClaim(`"${claim}" must be a list of names, which may end with a star`)
}

/** Only a boolean is accepted: a missing result or a promise must not grant access. */
function readPredicate(field: 'join' | 'send', given: Rights): Pick<Rights, 'join' | 'send'> {
  if (given[field] === undefined) return {}
  if (typeof given[field] !== 'function') throw new WrongClaim(`"${field}" must be a function`)
  return {
    [field]: (room: string, name: string) => {
      const isAllowed: unknown = given[field]?.(room, name)
      if (typeof isAllowed === 'boolean') return isAllowed
      throw new WrongClaim(`"${field}" must return true or false`)
    },
  }
}

function optionalField<Name extends keyof Rights>(name: Name, value: Rights[Name] | undefined): Pick<Rights, Name> {
  return (value === undefined ? {} : { [name]: value }) as Pick<Rights, Name>
}
