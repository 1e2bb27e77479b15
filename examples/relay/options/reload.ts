import { isDeepStrictEqual } from 'node:util'
import { OPTION_NAMES, type CommandSettings, type OptionName, type RelaySettings } from './options.js'

/** Options that a running relay applies to new connections and requests. */
const RELOADABLE: ReadonlySet<OptionName> = new Set([
  'origin',
  'open',
  'authSecret',
  'authJwks',
  'authIssuer',
  'authAudience',
  'publishKey',
  'revokeKey',
  'dashboardKey',
  'maxConnections',
  'maxConnectionsPerAddress',
  'connectionRate',
  'maxConnectionsPerUser',
  'maxRooms',
  'rate',
  'logLevel',
])

const AUTH: readonly OptionName[] = ['authSecret', 'authJwks', 'authIssuer', 'authAudience']

/** The result of a reload. */
export interface Reload {
  /** The changed options that the relay applies now. */
  readonly changed: readonly string[]
  /** The changed options that need a restart. */
  readonly restart: readonly string[]
}

/** Compares new settings with the present ones, and returns the settings that a running relay can have. */
export function planReload<Settings extends RelaySettings>(
  present: Settings,
  next: Settings,
): Reload & { readonly settings: Settings } {
  const differing = OPTION_NAMES.filter((name) => !isDeepStrictEqual(valueOf(present, name), valueOf(next, name)))
  const fixed = fixedOptions(present, next)
  const changed = differing.filter((name) => RELOADABLE.has(name) && !fixed.includes(name))
  const values = Object.fromEntries(changed.map((name) => [name, valueOf(next, name)]))
  return {
    settings: { ...present, ...values },
    changed,
    restart: differing.filter((name) => !changed.includes(name)),
  }
}

/** Reports whether connections need a token. */
export function needsTokens({ authSecret, authJwks }: RelaySettings): boolean {
  return authSecret.length > 0 || authJwks !== ''
}

/** Tokens and the dashboard start with the relay, or not at all. */
function fixedOptions(present: RelaySettings, next: RelaySettings): readonly OptionName[] {
  const isSwitched = (isOn: (settings: RelaySettings) => boolean): boolean => isOn(present) !== isOn(next)
  return [
    ...(isSwitched(needsTokens) ? AUTH : []),
    ...(isSwitched(({ dashboardKey }) => dashboardKey !== '') ? (['dashboardKey'] as const) : []),
  ]
}

function valueOf(settings: Partial<CommandSettings>, name: OptionName): unknown {
  return settings[name]
}
