import { createRelay as create, type EmbeddingOptions, type Relay } from './relay.js'
import type { RelaySettings } from './options/options.js'

export type { PublishKey } from './access/keys.js'
export type { Logger } from './logger.js'
export type { RelaySettings } from './options/options.js'
export type { EmbeddingOptions, Relay, RelayAddress } from './relay.js'
export type { Revocation } from './access/revocations.js'
export type { Authorize, Rights } from './access/rights.js'

/** Everything that the command can be told, and what only a program can give. */
export type RelayOptions = Partial<RelaySettings> & EmbeddingOptions

/**
 * Makes a relay inside of a program of yours. Nothing happens before `listen`.
 *
 * @example
 * const relay = createRelay({ port: 8081, authorize: async (token) => (await findUser(token)) && { user: 'ann' } })
 * await relay.listen()
 *
 * @throws When an option cannot be, or two contradict each other. The text says what to do.
 */
export const createRelay: (options?: RelayOptions) => Relay = create
