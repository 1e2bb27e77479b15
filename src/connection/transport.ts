import type { SignalError } from '../errors.js'
import type { RelayFrame, RoomRequest, WelcomeFrame } from '../protocol/frames.js'
import type { Token } from '../signals.js'
import type { SignalStatus } from '../status.js'

export interface TransportSettings {
  /** An absolute ws: or wss: address. */
  readonly url: string
  readonly token: Token | undefined
  readonly protocol: 'v1' | 'plain'
  /** The secret of this page load: it stays the same over reconnections, so that the relay recognizes the page. */
  readonly tab: string
}

/** Events that a transport reports to its client. */
export interface TransportEvents {
  /** Returns the rooms of the page, each with its position; called for each `hello`. */
  requestRooms(): readonly RoomRequest[]
  onStatus(status: SignalStatus): void
  /**
   * The relay named the page and its user: on a new connection (`isFirst`) just before the status `online`, and after each
   * fresh token.
   */
  onWelcome(frame: WelcomeFrame, isFirst: boolean): void
  /** Every checked frame that concerns signals and rooms. */
  onFrame(frame: Exclude<RelayFrame, WelcomeFrame>): void
  /** The browser suspends the page, perhaps for good. */
  onSuspend(): void
  /** The connection ended because the relay found a frame too large. */
  onTooLarge(): void
  onError(error: SignalError): void
}

/** Carries frames: the page's own socket, a connection shared by tabs, or a fake in a test. */
export interface Transport {
  readonly status: SignalStatus
  /** The token of the last connection, if it had one. */
  readonly token: string | undefined
  connect(): void
  /** Sends one encoded frame. Returns false, and sends nothing, unless the status is `online`. */
  send(text: string): boolean
  setToken(token: Token): void
  close(): void
}

export type OpenTransport = (settings: TransportSettings, events: TransportEvents) => Transport
