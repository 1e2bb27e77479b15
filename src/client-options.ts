import type { OpenTransport } from './connection/transport.js'
import type { SignalContract } from './contract.js'
import type { SignalError } from './errors.js'
import { badOption, checkOptions } from './options.js'
import type { RegisteredSignals, SignalMap, Token } from './signals.js'

export interface ClientOptions<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent> {
  /**
   * The relay's address: wss:, ws:, https:, http:, or relative to the page, from `/`, `./` or `../`. Empty: as if it
   * were not given.
   * @default the content of `<meta name="signalpost-url">`, else `/signals` on the page's own origin
   */
  readonly url?: string
  /** `now`; `lazy`: at the first send or receive; `manual`: when `connect()` is called. @default 'now' */
  readonly connect?: 'now' | 'lazy' | 'manual'
  /** Proves to the relay who the user is. A function is asked before every connection. Never part of the url. */
  readonly token?: Token
  /**
   * The user that the page was made for, as `sub` of its tokens says; empty for a visitor. When the relay names another
   * user, the signals of this one are dropped. It matters where `token` is a function.
   * @default the content of `<meta name="signalpost-user">`, else unknown
   */
  readonly user?: string
  /** `plain`: for a server that only broadcasts JSON; nothing is confirmed or replayed. @default 'v1' */
  readonly protocol?: 'v1' | 'plain'
  /**
   * Where receivers of a page that has just loaded begin: `navigation`: with what was sent since the page began to load,
   * at most 60 seconds ago; `now`: with their own call. @default 'navigation'
   */
  readonly since?: 'navigation' | 'now'
  /** What `defineSignals` made: types, and checks of data in both directions. */
  readonly signals?: SignalContract<Sent, Received>
  /** Another carrier than the page's own socket. */
  readonly transport?: OpenTransport
  /** Told what goes wrong outside of a call. @default thrown, in a task of its own, so that the console and error trackers see it */
  readonly onError?: (error: SignalError) => void
}

const OPTIONS = {
  url: 'string',
  connect: 'now lazy manual',
  token: 'string function',
  user: 'string',
  protocol: 'v1 plain',
  since: 'navigation now',
  signals: 'object',
  transport: 'function',
  onError: 'function',
}

/** @throws SignalError `bad-option`. */
export function checkClientOptions(options: object | undefined): void {
  checkOptions(options, OPTIONS)
  const { signals: contract } = (options ?? {}) as { readonly signals?: unknown }
  if (contract !== undefined && !('~check' in Object(contract))) {
    throw badOption('The option "signals" takes what defineSignals() returned')
  }
}
