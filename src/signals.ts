import type { SignalError } from './errors.js'
import type { JsonValue, Sender } from './protocol/frames.js'
import type { SignalStatus, StatusListener, StatusOptions } from './status.js'

/** Names of signals and the type of the data that each carries; `void` for none. */
export type SignalMap = object

/**
 * The signals of the application, for the free functions and for clients without a map of their own. Augment it:
 * `declare module 'signalpost' { interface SignalRegistry { ReportIncome: { userId: number } } }`.
 */
// Empty, because an application fills it.
// oxlint-disable-next-line typescript/no-empty-object-type
export interface SignalRegistry {}

/** Any name, with any JSON value or none. */
export interface AnySignals {
  readonly [name: string]: string | number | boolean | object | null | undefined | void
}

/** The registry when the application filled it, else any name with any JSON value. */
export type RegisteredSignals = keyof SignalRegistry extends never ? AnySignals : SignalRegistry

export type SignalName<Signals extends SignalMap> = Extract<keyof Signals, string>

/** What a receiver of `Name` gets as data. */
export type DataOf<Signals extends SignalMap, Name extends keyof Signals> = AnySignals extends Signals
  ? JsonValue | undefined
  : Signals[Name] extends infer Data
    ? Data extends void
      ? undefined
      : Data
    : never

/** The arguments of `sendSignal` after the name: data is optional where the map says `void`. */
export type SendArguments<Data> = undefined extends Data
  ? [data?: Exclude<Data, void>, options?: SendOptions]
  : [Data] extends [void]
    ? [data?: undefined, options?: SendOptions]
    : [data: Data, options?: SendOptions]

/** A signal as a receiver gets it. */
export interface Signal<Name extends string = string, Data = JsonValue | undefined> {
  readonly name: Name
  readonly data: Data
  readonly room: string
  /** The same over every resend: 128 random bits, or the backend's key name and idempotency key. */
  readonly id: string
  /** When the relay logged it, in epoch milliseconds. */
  readonly at: number
  /** As stamped by the relay; a page cannot forge it. */
  readonly sender: Sender
  /** Whether this page sent it. */
  readonly self: boolean
  /** Whether it was sent before this page was connected, and comes from the relay's memory. */
  readonly replayed: boolean
}

/**
 * What became of a signal that was sent:
 * `accepted` it is in the relay's log; `refused` the relay will never take it; `expired` its time ran out before it left
 * the page; `unknown` it left the page and no answer came in time; `dropped` the outbox was full, or there is nothing to
 * send with; `closed` the client was closed first; `sent` it was handed to a server that does not answer (plain mode).
 */
export type SendOutcome = 'accepted' | 'refused' | 'expired' | 'unknown' | 'dropped' | 'closed' | 'sent'

export interface SendResult {
  readonly id: string
  readonly outcome: SendOutcome
  /** Why, for every outcome but `accepted` and `sent`. */
  readonly error?: SignalError | undefined
}

export interface SendOptions {
  /** The room whose receivers hear it. @default 'main' */
  readonly room?: string
  /** Latest wins: while it waits, it replaces an older signal of the same name, room and key. */
  readonly key?: string
  /** How long it may wait to be accepted, in milliseconds, at most the default. @default 600_000 */
  readonly ttl?: number
}

export interface ReceiveOptions<Received = Signal> {
  /** The room to listen to. @default 'main' */
  readonly room?: string
  /** Stop after the first signal. @default false */
  readonly once?: boolean
  /** Stops the receiver when it aborts. */
  readonly signal?: AbortSignal
  /** `others`: not what this page itself sent. @default 'anyone' */
  readonly from?: 'anyone' | 'others'
  /** Only signals for which it returns true. */
  readonly where?: (signal: Received) => boolean
}

/** Signals of a room that may have been missed and cannot be recovered. */
export interface Gap {
  readonly room: string
  /**
   * `epoch`: the relay lost its memory; `trimmed`: the page was away for longer than the relay remembers; `user`: another
   * user has signed in, whose page does not get what the last user missed.
   */
  readonly reason: 'epoch' | 'trimmed' | 'user'
}

/** Ends what the call that returned it began. Calling it twice is harmless. */
export type Stop = () => void

/** The signal that a receiver of `Name` gets; for `'*'`, any of the map, told apart by `name`. */
export type ReceivedSignal<Signals extends SignalMap, Name extends SignalName<Signals> | '*'> = Name extends '*'
  ? { [Each in SignalName<Signals>]: Signal<Each, DataOf<Signals, Each>> }[SignalName<Signals>]
  : Name extends SignalName<Signals>
    ? Signal<Name, DataOf<Signals, Name>>
    : never

/**
 * Called with each signal. What it throws, or rejects with, goes to `onError` and harms nobody else. All handlers of a signal
 * share its data, which must not be changed.
 */
export type SignalHandler<Signals extends SignalMap, Name extends SignalName<Signals> | '*'> = (
  data: ReceivedSignal<Signals, Name> extends { readonly data: infer Data } ? Data : never,
  signal: ReceivedSignal<Signals, Name>,
) => unknown

export type Token = string | (() => string | Promise<string>)

/**
 * Sends and receives signals over one connection. `Sent` maps names to the data that is sent, `Received` to the data
 * that receivers get; they differ only where a contract transforms data.
 */
export interface SignalClient<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent> {
  /** Where the connection stands now; a new object at every change. */
  readonly status: SignalStatus

  /**
   * Says that something happened, to every page that receives `name` in the room, this one included. The promise never
   * rejects and never hangs, so it may be ignored; its outcome says what became of the signal.
   *
   * @throws SignalError `bad-name`, `bad-data`, `too-large`, `contract` or `bad-option`, at the call.
   */
  sendSignal<Name extends SignalName<Sent>>(name: Name, ...rest: SendArguments<Sent[Name]>): Promise<SendResult>

  /**
   * Calls `handler` with the data of every signal called `name`; `'*'` hears every name. The same function, name and
   * options twice are one registration.
   *
   * @throws SignalError `bad-name` or `bad-option`, at the call.
   */
  receiveSignal<Name extends SignalName<Received> | '*'>(
    name: Name,
    handler: SignalHandler<Received, Name>,
    options?: ReceiveOptions<ReceivedSignal<Received, Name>>,
  ): Stop

  /**
   * Calls `listener` at every change of status; `client.status` has the present one.
   *
   * @throws SignalError `bad-option`, at the call.
   */
  onStatus(listener: StatusListener, options?: StatusOptions): Stop

  /**
   * Calls `listener` when signals may have been missed and cannot be recovered, before anything newer is handled.
   *
   * @throws SignalError `bad-option`, at the call.
   */
  onGap(listener: (gap: Gap) => void): Stop

  /** Connects now: at first, out of a wait, and after the relay ended the connection. Does nothing after `close()`. */
  connect(): void

  /**
   * Replaces the token. A connection that ended as `unauthorized` dials again. When it turns out to be another user's, what
   * the last user sent and no relay has accepted ends as `dropped`: it never goes out under another name.
   *
   * @throws SignalError `bad-option`, at the call.
   */
  setToken(token: Token): void

  /** Ends the connection, every receiver and every listener for good. Signals not accepted yet end as `closed`. */
  close(): void
}
