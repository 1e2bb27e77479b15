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

/** The names of a map. The second half makes the compiler list the names in its errors, instead of `keyof SignalRegistry`. */
export type SignalName<Signals extends SignalMap> = Extract<keyof Signals, string> &
  { [Name in keyof Signals]-?: Name }[keyof Signals]

/** Data as they arrive: JSON turns a `Date` into text, and whatever has `toJSON()` into its result. */
export type Jsonify<Data> = [Data] extends [JsonValue | undefined | void] ? Data : JsonifyEach<Data>

type JsonifyEach<Data> = unknown extends Data
  ? Data
  : Data extends JsonValue | undefined | void
    ? Data
    : Data extends { toJSON(...rest: never[]): infer Json }
      ? Jsonify<Json>
      : { [Key in keyof Data]: Jsonify<Data[Key]> }

/** The signals of a map as receivers get them. */
export type JsonifyMap<Signals extends SignalMap> = AnySignals extends Signals
  ? Signals
  : { [Name in keyof Signals]: Jsonify<Signals[Name]> }

/** The data that a receiver of `Name` gets. */
export type DataOf<Signals extends SignalMap, Name extends keyof Signals> = AnySignals extends Signals
  ? JsonValue | undefined
  : Signals[Name] extends infer Data
    ? Data extends void
      ? undefined
      : Data
    : never

/** The arguments of `sendSignal` after the name: data is optional where the map says `void`. */
export type SendArguments<Data, Options = SendOptions> = undefined extends Data
  ? [data?: Exclude<Data, void>, options?: Options]
  : [Data] extends [void]
    ? [data?: undefined, options?: Options]
    : [data: Data, options?: Options]

/** A signal as a receiver gets it. */
export interface Signal<Name extends string = string, Data = JsonValue | undefined> {
  readonly name: Name
  readonly data: Data
  readonly room: string
  /** Stays the same over every resend: 128 random bits, or the key name and idempotency key of a backend. */
  readonly id: string
  /** When the relay logged the signal (epoch ms). */
  readonly at: number
  /** Stamped by the relay; a page cannot forge it. */
  readonly sender: Sender
  /** Whether this page, or the last page of its tab, sent the signal. */
  readonly self: boolean
  /** Whether the signal was sent before this page was connected, and comes from the relay's log. */
  readonly replayed: boolean
}

/**
 * The outcome of a sent signal. `accepted`: the relay has logged it; `refused`: the relay rejects it for good; `expired`: its
 * time ran out before it left the page; `unknown`: it left the page, and no answer came in time; `dropped`: the outbox was
 * full, another signal or user replaced it, or there is no page; `closed`: the client was closed first; `sent`: the socket
 * has taken it, and the server does not answer (plain mode).
 */
export type SendOutcome = 'accepted' | 'refused' | 'expired' | 'unknown' | 'dropped' | 'closed' | 'sent'

export interface SendResult {
  readonly id: string
  readonly outcome: SendOutcome
  /** The reason of every outcome but `accepted` and `sent`. */
  readonly error?: SignalError | undefined
}

export interface SendOptions {
  /** The room of the signal. @default 'main' */
  readonly room?: string
  /** The latest wins: the signal replaces a waiting one of the same name, room and key. */
  readonly key?: string
  /** How long the signal may wait to be accepted (ms), at most the default. @default 600_000 */
  readonly ttl?: number
}

export interface ReceiveOptions<Received = Signal> {
  /** The room to listen to. @default 'main' */
  readonly room?: string
  /** Stop after the first signal. @default false */
  readonly once?: boolean
  /** Stops the receiver when it aborts. */
  readonly signal?: AbortSignal
  /** `others`: no signals of this page. @default 'anyone' */
  readonly from?: 'anyone' | 'others'
  /**
   * Where the receiver begins on the tab's next page. `tab`: after the signals that a receiver of this name has handled on the
   * last page. `page`: with the navigation to the page, because its HTML may be older than those signals. @default 'tab'
   */
  readonly since?: 'tab' | 'page'
  /** The receiver gets only signals for which the function returns true. */
  readonly where?: (signal: Received) => boolean
}

/** Signals of a room that may have been missed and cannot be recovered. */
export interface Gap {
  readonly room: string
  /**
   * `epoch`: the relay lost its log; `trimmed`: the page was away for longer than the log reaches back; `user`: another user
   * has signed in, and does not get the signals that the last user missed; `cache`: the browser had the HTML of the page
   * before the navigation began, from its cache or prefetched.
   */
  readonly reason: 'epoch' | 'trimmed' | 'user' | 'cache'
}

/** Stops the receiver, listener or refresh of the call that returned it. A second call does nothing. */
export type Stop = () => void

/** The signal that a receiver of `Name` gets; for `'*'`, a union of all signals, discriminated by `name`. */
export type ReceivedSignal<Signals extends SignalMap, Name extends SignalName<Signals> | '*'> = Name extends '*'
  ? { [Each in SignalName<Signals>]: Signal<Each, DataOf<Signals, Each>> }[SignalName<Signals>]
  : Name extends SignalName<Signals>
    ? Signal<Name, DataOf<Signals, Name>>
    : never

/**
 * Handles a signal. An error, thrown or as a rejection, goes to `onError`; the other handlers still run. All handlers of a
 * signal share its data, and must not change it.
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
export interface SignalClient<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
> {
  /** The present status of the connection; a new object at every change. */
  readonly status: SignalStatus

  /**
   * The public id of the page, for the `exclude` of `POST /publish`: the page then ignores that signal. `undefined` until the
   * relay has answered for the first time, and in plain mode.
   */
  readonly tab: string | undefined

  /**
   * Sends a signal to every page that receives `name` in the room, this page included. The promise resolves with the outcome;
   * it never rejects and never hangs, so callers may ignore it.
   *
   * @throws SignalError `bad-name`, `bad-data`, `too-large`, `contract` or `bad-option`, at the call.
   */
  sendSignal<Name extends SignalName<Sent>>(name: Name, ...rest: SendArguments<Sent[Name]>): Promise<SendResult>

  /**
   * Calls `handler` with the data of every signal called `name`; `'*'` receives every name. A second call with the same
   * function, name and options adds no receiver.
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

  /** Connects at once, also during a wait and after the relay ended the connection. Does nothing after `close()`. */
  connect(): void

  /**
   * Replaces the token. A client that ended as `unauthorized` connects again. If the token is another user's, unaccepted
   * signals of the last user end as `dropped`: they never go out under another name.
   *
   * @throws SignalError `bad-option`, at the call.
   */
  setToken(token: Token): void

  /** Ends the connection, every receiver and every listener for good. Unaccepted signals end as `closed`. */
  close(): void
}
