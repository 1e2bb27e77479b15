import * as fc from 'fast-check'
import type { Way } from './memory-connection.js'

/** What may happen in a scenario, as plain data, so that a failing run can be kept as it is printed. */
export type Action =
  | {
      readonly do: 'publish'
      readonly page: number
      readonly room: string
      readonly data: unknown
      readonly key?: string
    }
  | { readonly do: 'publish-briefly'; readonly page: number; readonly room: string; readonly ttl: number }
  | { readonly do: 'listen' | 'stop' | 'relisten'; readonly page: number; readonly room: string }
  | { readonly do: 'cut' | 'heal' | 'connect' | 'close'; readonly page: number }
  | { readonly do: 'stall'; readonly page: number; readonly way?: Way }
  | { readonly do: 'leave'; readonly page: number; readonly isKept: boolean; readonly farewell: Farewell }
  | { readonly do: 'arrive'; readonly page: number; readonly since: 'navigation' | 'now'; readonly isSlow: boolean }
  | {
      readonly do: 'navigate'
      readonly page: number
      readonly isKept: boolean
      readonly farewell: Farewell
      readonly since: 'navigation' | 'now'
    }
  | { readonly do: 'back' | 'freeze' | 'resume'; readonly page: number }
  | { readonly do: 'tell'; readonly page: number; readonly event: 'offline' | 'online' | 'focus' }
  | { readonly do: 'expire' }
  | { readonly do: 'trim'; readonly room: string; readonly kept: number }
  | { readonly do: 'open'; readonly page: number; readonly since: 'navigation' | 'now' }
  | { readonly do: 'tamper'; readonly page: number; readonly with: Tampering }
  | { readonly do: 'kill' | 'restart' }
  | { readonly do: 'start'; readonly history: number }
  | { readonly do: 'trouble'; readonly milliseconds: number; readonly isCarriedOut: boolean }
  | { readonly do: 'jump'; readonly milliseconds: number }
  | { readonly do: 'pass'; readonly milliseconds: number }

/**
 * What happens to the next `accepted` of a page: it is lost, with all that follow on its connection (`mute`) or alone, it comes
 * twice, or late, and those that follow wait for it.
 */
export type Tampering = 'mute' | 'drop' | 'double' | 'delay'

/** What becomes of the request by which a page that is left says farewell. */
export type Farewell = 'arrives' | 'late' | 'lost'

export const ROOMS = ['main', 'side'] as const
const PAGES = [0, 1, 2] as const

const page = fc.constantFrom(...PAGES)
const room = fc.constantFrom(...ROOMS, 'main')
const history = fc.constantFrom(1000, 1000, 3, 1)
const data = fc.oneof(fc.constant(null), fc.nat(9), fc.jsonValue({ maxDepth: 1 }))
const milliseconds = fc.constantFrom(1, 1, 2, 3, 5, 20, 200, 1000, 1000, 5000)

const isKept = fc.boolean()
const farewell = fc.constantFrom<Farewell>('arrives', 'late', 'lost')
const since = fc.constantFrom('navigation', 'navigation', 'now')

function act<Name extends Action['do'], Rest extends object = object>(
  name: Name,
  rest: { [Key in keyof Rest]: fc.Arbitrary<Rest[Key]> } = {} as never,
): fc.Arbitrary<{ readonly do: Name } & Rest> {
  return fc.record({ do: fc.constant(name), ...rest }) as fc.Arbitrary<{ readonly do: Name } & Rest>
}

const ACTION: fc.Arbitrary<Action> = fc.oneof(
  { weight: 14, arbitrary: act('publish', { page, room, data }) },
  { weight: 2, arbitrary: act('publish', { page, room, data, key: fc.constantFrom('k', 'l') }) },
  { weight: 1, arbitrary: act('publish-briefly', { page, room, ttl: fc.constantFrom(1, 500, 3000) }) },
  { weight: 3, arbitrary: act('listen', { page, room }) },
  { weight: 1, arbitrary: act('stop', { page, room }) },
  { weight: 1, arbitrary: act('relisten', { page, room }) },
  { weight: 4, arbitrary: act('cut', { page }) },
  { weight: 2, arbitrary: act('stall', { page, way: fc.constantFrom('both', 'toRelay', 'toPage') }) },
  { weight: 3, arbitrary: act('navigate', { page, isKept, farewell, since }) },
  { weight: 1, arbitrary: act('leave', { page, isKept, farewell }) },
  { weight: 2, arbitrary: act('arrive', { page, since, isSlow: fc.boolean() }) },
  { weight: 2, arbitrary: act('back', { page }) },
  { weight: 1, arbitrary: act('freeze', { page }) },
  { weight: 2, arbitrary: act('resume', { page }) },
  { weight: 1, arbitrary: act('tell', { page, event: fc.constantFrom('offline', 'online', 'focus') }) },
  { weight: 1, arbitrary: act('expire') },
  { weight: 1, arbitrary: act('trim', { room, kept: fc.constantFrom(0, 1, 3) }) },
  { weight: 1, arbitrary: act('heal', { page }) },
  { weight: 2, arbitrary: act('connect', { page }) },
  { weight: 1, arbitrary: act('close', { page }) },
  { weight: 2, arbitrary: act('open', { page, since }) },
  { weight: 3, arbitrary: act('tamper', { page, with: fc.constantFrom('mute', 'mute', 'drop', 'double', 'delay') }) },
  { weight: 1, arbitrary: act('kill') },
  { weight: 1, arbitrary: act('restart') },
  { weight: 3, arbitrary: act('start', { history }) },
  {
    weight: 1,
    arbitrary: act('trouble', { milliseconds: fc.constantFrom(100, 2000, 20_000), isCarriedOut: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: act('jump', { milliseconds: fc.constantFrom(-86_400_000, -3_600_000, 3_600_000, 86_400_000) }),
  },
  { weight: 12, arbitrary: act('pass', { milliseconds }) },
)

/** A scenario: how it begins, and what happens in it. */
export interface Scenario {
  readonly history: number
  /** How long a token is good, in milliseconds; without it nobody needs one. */
  readonly lifetime?: number | undefined
  /** The seed of everything that is left to chance, such as jitter. */
  readonly chance: number
  readonly actions: readonly Action[]
}

export const SCENARIO: fc.Arbitrary<Scenario> = fc.record({
  history,
  lifetime: fc.constantFrom(undefined, undefined, 3000, 60_000),
  chance: fc.nat(),
  actions: fc.array(ACTION, { maxLength: 60, size: 'max' }),
})
