import type { OpenTransport } from './connection/transport.js'
import type { SignalContract } from './contract.js'
import type { SignalError } from './errors.js'
import { badOption, checkOptions } from './option-checks.js'
import type { JsonifyMap, RegisteredSignals, SignalMap, Token } from './signals.js'

export interface ClientOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
> {
  /**
   * The address of the relay: wss:, ws:, https:, http:, or relative to the page, beginning with `/`, `./` or `../`.
   * `:8081/signals` is a port of the page's host. An empty text counts as missing.
   * @default the content of `<meta name="signalpost-url">`, else `/signals` on the page's own origin
   */
  readonly url?: string
  /** `now`; `lazy`: at the first send or receive; `manual`: when `connect()` is called. @default 'now' */
  readonly connect?: 'now' | 'lazy' | 'manual'
  /** Proves the user to the relay. The client calls a function before every connection. The token is never part of the url. */
  readonly token?: Token
  /**
   * The user of the page, as in `sub` of its tokens; empty for a visitor. If the relay names another user, the client drops
   * the signals of this one. Give it where `token` is a function.
   * @default the content of `<meta name="signalpost-user">`, else unknown
   */
  readonly user?: string
  /** `plain`: for a server that only broadcasts JSON, and confirms and replays nothing. @default 'v1' */
  readonly protocol?: 'v1' | 'plain'
  /**
   * Where the receivers of a new page begin. `navigation`: with signals sent since the page began to load, at most 60
   * seconds ago; `now`: with their own call. @default 'navigation'
   */
  readonly since?: 'navigation' | 'now'
  /** The result of `defineSignals`: types, and checks of data in both directions. */
  readonly signals?: SignalContract<Sent, Received>
  /** Replaces the page's own socket. */
  readonly transport?: OpenTransport
  /** Receives errors that happen outside of a call. @default throws them in a microtask, for the console and error trackers */
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
    throw badOption('The option "signals" takes the result of defineSignals()')
  }
}
