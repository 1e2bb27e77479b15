/** The shapes of the frames of signalpost v1. `examples/relay/PROTOCOL.md` is the specification. */

/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** The last entry of a room that a client has handled. */
export interface Position {
  /** Names one life of the room's log: offsets compare only within one epoch. */
  readonly epoch: string
  /** The number of the last entry, counted from 1 without holes; 0 before the first. */
  readonly offset: number
  /** The id of the entry at `offset`; it proves, after a change of epoch, that both logs share that entry. */
  readonly id?: string | undefined
}

/**
 * Where a replay begins: after a position, or with signals that are at most `age` milliseconds old. With both, it begins at
 * the earlier of the two.
 */
export type Since = (Position & { readonly age?: number | undefined }) | { readonly age: number }

export interface RoomRequest {
  readonly room: string
  readonly since?: Since
}

/** The sender of a signal, as stamped by the relay. */
export interface Sender {
  /** The public name of the page that sent it. */
  readonly tab?: string
  /** The user that the page's token named. */
  readonly user?: string
  /** The name of the publish key, for signals that a backend sent. */
  readonly server?: string
}

export interface HelloFrame {
  readonly type: 'hello'
  readonly v: 1
  /** A secret of this page load, 128 random bits; the relay publishes only its hash. */
  readonly tab: string
  readonly token?: string | undefined
  readonly rooms: readonly RoomRequest[]
}

export interface JoinFrame extends RoomRequest {
  readonly type: 'join'
}

export interface LeaveFrame {
  readonly type: 'leave'
  readonly room: string
}

/** A signal on its way to the relay. */
export interface SendFrame {
  readonly type: 'signal'
  readonly id: string
  readonly signal: string
  readonly data?: JsonValue
  readonly room?: string
  /** Whether earlier signals of the page are unanswered. When the log has lost those, this one must not overtake them. */
  readonly pipelined?: boolean
}

export interface TokenFrame {
  readonly type: 'token'
  readonly token: string
}

export interface PingFrame {
  readonly type: 'ping'
}

export type ClientFrame = HelloFrame | JoinFrame | LeaveFrame | SendFrame | TokenFrame | PingFrame

export interface WelcomeFrame {
  readonly type: 'welcome'
  readonly v: number
  /** The public name of this page: a hash of the secret in `hello`. */
  readonly tab: string
  readonly user?: string
  /** How long the rights of the token last (ms). A duration, because the clocks of pages are wrong. */
  readonly expiresIn?: number
  /** The longest silence of the relay (ms). */
  readonly beat: number
  /** The largest frame that the relay accepts (bytes of UTF-8). */
  readonly maxBytes: number
  /** How long the relay remembers ids (ms). */
  readonly window: number
}

export interface JoinedFrame extends Position {
  readonly type: 'joined'
  readonly room: string
  /** The newest offset at the time of joining: entries up to it are replayed. */
  readonly head: number
  /** Whether everything since the asked position follows. When false, a `gap` frame comes next. */
  readonly recovered: boolean
}

/** A signal on its way from the relay: the same bytes for every receiver. */
export interface SignalFrame {
  readonly type: 'signal'
  readonly id: string
  readonly signal: string
  readonly data?: JsonValue
  readonly room: string
  readonly offset: number
  /** When the relay logged the signal, by its own clock (epoch ms). */
  readonly at: number
  readonly sender: Sender
  /** The public name of a page that does not handle the signal, because a backend answers that page. */
  readonly exclude?: string | undefined
}

export interface AcceptedFrame {
  readonly type: 'accepted'
  readonly ids: readonly string[]
}

/** Why the relay refuses a signal or a room for good. */
export type RefusalCode = 'denied' | 'bad-name' | 'bad-data' | 'too-large' | 'too-many'

export interface RefusedFrame {
  readonly type: 'refused'
  readonly id?: string
  readonly room?: string
  readonly code: RefusalCode
  readonly text: string
}

export interface LeftFrame {
  readonly type: 'left'
  readonly room: string
  readonly code: RefusalCode
}

export interface GapFrame {
  readonly type: 'gap'
  readonly room: string
  /** `epoch`: the relay's log began anew; `trimmed`: the log does not reach back far enough. */
  readonly reason: 'epoch' | 'trimmed'
  /** Signals after this offset of the old position may be missing. */
  readonly from: number
  /** Delivery goes on in this epoch … */
  readonly epoch: string
  /** … after this offset. */
  readonly offset: number
  /** The id of the entry at `offset`. */
  readonly id?: string
}

export interface BeatFrame {
  readonly type: 'beat'
}

export interface PongFrame {
  readonly type: 'pong'
}

export interface GoodbyeFrame {
  readonly type: 'goodbye'
  /** When to reconnect (ms from now); different for each client. */
  readonly retryAfter: number
  readonly reason: string
}

export type RelayFrame =
  | WelcomeFrame
  | JoinedFrame
  | SignalFrame
  | AcceptedFrame
  | RefusedFrame
  | LeftFrame
  | GapFrame
  | BeatFrame
  | PongFrame
  | GoodbyeFrame
