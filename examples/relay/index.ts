import { createRelay as create, type EmbeddingOptions, type Relay } from './relay.js'
import type { RelaySettings } from './options/options.js'

export type { PublishKey } from './access/keys.js'
export type { Logger } from './logger.js'
export type { RelaySettings } from './options/options.js'
export type { Reload } from './options/reload.js'
export type { EmbeddingOptions, Relay, RelayAddress } from './relay.js'
export type { Revocation } from './access/revoked-tokens.js'
export type { Authorize, Rights } from './access/rights.js'

/** All options of the command, and those of an embedding program. */
export type RelayOptions = Partial<RelaySettings> & EmbeddingOptions

/**
 * Creates a relay in your own program. It starts with `listen`.
 *
 * @example
 * const relay = createRelay({ port: 8081, authorize: async (token) => (await findUser(token)) && { user: 'ann' } })
 * await relay.listen()
 *
 * @throws When an option is invalid, or options contradict each other. The text names the remedy.
 */
export const createRelay: (options?: RelayOptions) => Relay = create
