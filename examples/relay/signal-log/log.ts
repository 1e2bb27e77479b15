import type { GapFrame } from '../../../src/protocol/frames.js'
import type { SenderEpochs } from './sender-epochs.js'

/** A signal to append to the log. */
export interface NewEntry {
  readonly room: string
  readonly id: string
  /** The JSON of the signal's frame without `offset`, `at` and the last brace. */
  readonly prefix: string
  /** Distinguishes two bodies with the same id. Only signals of backends have one. */
  readonly digest?: string
  /**
   * The epochs of the sender's earlier signals. A log that can lose its data while the relay runs keeps them up to
   * date.
   */
  readonly epochs?: SenderEpochs | undefined
}

/** A logged signal. */
export interface Entry {
  readonly offset: number
  readonly id: string
  /** The complete frame, encoded once for all receivers. */
  readonly frame: Buffer
}

/** `logged`: appended now. `known`: the id was in the log. `conflict`: the id was in the log with another digest. */
export type AppendResult = 'logged' | 'known' | 'conflict'

/** The state of a room's log, and a page of entries after an offset. */
export interface LogPage {
  readonly epoch: string
  /** The offset at which this epoch began: 0 unless the engine continues the offsets of an earlier epoch. */
  readonly base: number
  /** The log holds every entry after this offset, up to `head`. */
  readonly floor: number
  readonly head: number
  /** The id of the entry at the requested offset, if known. */
  readonly id?: string
  /** The id of the entry at `floor`, if known. */
  readonly floorId?: string
  /** Entries in order, without gaps, after the requested offset or `floor`, whichever is larger. */
  readonly entries: readonly Entry[]
}

/** The offset for an age. */
export interface FindResult {
  /** Every entry that is younger than the age has a larger offset. */
  readonly after: number
  /** The reason why earlier entries of that age may be missing, if any. */
  readonly lost?: GapFrame['reason']
}

/** Receives each new entry. A call without an entry means that the subscriber has to read the log. */
export type Subscriber = (epoch: string, entry?: Entry) => void

/** The key by which queued reads take turns: a network address, or the connection when it has no address. */
export type Reader = string | object

/** The storage that holds a signal before the relay accepts it. `--durability` in the README has the details. */
export type Durability = 'memory' | 'replica' | 'disk'

/** `away`: the log cannot append now. It becomes `ready` without a restart. */
export type LogHealth = 'ready' | 'away'

/**
 * The log began a new epoch after the sender's earlier signals. The sender has to send its unanswered signals again
 * first.
 */
export class EpochChanged extends Error {
  override readonly name = 'EpochChanged'
}

/** The log cannot be used with these settings. The text names the remedy and ends with a full stop. */
export class LogUnusable extends Error {
  override readonly name = 'LogUnusable'
}

/**
 * The log of the relay. All calls are asynchronous, because an engine may be remote. A rejected promise means a
 * temporary failure: the same call may be repeated.
 */
export interface SignalLog {
  readonly health: LogHealth
  /** Checks that the log is usable, and rejects with `LogUnusable` if not. */
  open(): Promise<void>
  /**
   * Appends signals of one sender to one room in order, each once per room and id: all of them or none. Subscribers of
   * the room receive them before or after the promise resolves. Rejects with `EpochChanged`, without appending, when the
   * room's log began a new epoch since the sender's last signal.
   */
  append(entries: readonly NewEntry[]): Promise<readonly AppendResult[]>
  /** Reads at most `limit` entries after an offset; `'end'` is the offset of the newest entry. Readers take turns. */
  read(room: string, after: number | 'end', limit: number, reader?: Reader): Promise<LogPage>
  /** Finds the offset of `age` (ms) before the call, by the log's own clock. Readers take turns. */
  find(room: string, age: number, reader?: Reader): Promise<FindResult>
  /**
   * Calls back for each new entry that a later `read` would not include. The log keeps a subscribed room even when it
   * is idle.
   */
  subscribe(room: string, subscriber: Subscriber): () => void
  close(): Promise<void>
}
