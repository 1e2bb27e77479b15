import type { GapFrame } from '../../../src/protocol/frames.js'
import type { SenderEpochs } from './sender-epochs.js'

/** A signal that wants to be logged. */
export interface NewEntry {
  readonly room: string
  readonly id: string
  /** The JSON of the signal's frame without `offset`, `at` and the last brace. */
  readonly prefix: string
  /** Tells two bodies under one id apart; only backends' signals have it. */
  readonly digest?: string
  /** Where the sender's earlier signals went, to be kept up to date by a log that can lose its memory while the relay runs. */
  readonly epochs?: SenderEpochs | undefined
}

/** A logged signal. */
export interface Entry {
  readonly offset: number
  readonly id: string
  /** The whole frame, built once, that every receiver gets. */
  readonly frame: Buffer
}

/** `logged`: it is in the log now. `known`: its id was there. `conflict`: its id was there with another digest. */
export type AppendResult = 'logged' | 'known' | 'conflict'

/** What the log knows of a room, seen from an offset. */
export interface LogPage {
  readonly epoch: string
  /** The offset at which this epoch began: 0 unless an engine carries offsets over. */
  readonly base: number
  /** The offset after which everything up to `head` is kept. */
  readonly floor: number
  readonly head: number
  /** The id of the entry at the offset that was asked for, where it is known. */
  readonly id?: string
  /** The id of the entry at `floor`, where it is known. */
  readonly floorId?: string
  /** Entries after the offset that was asked for, in order, without holes from the larger of it and `floor`. */
  readonly entries: readonly Entry[]
}

/** Where an age leads to. */
export interface FindResult {
  /** Everything that is not older than the age comes after this offset. */
  readonly after: number
  /** Why there may have been more, if there may. */
  readonly lost?: GapFrame['reason']
}

/** Hears of a new entry; without one, something lies between that must be read from the log. */
export type Subscriber = (epoch: string, entry?: Entry) => void

/** Whose turn a read takes where reads queue: a network address, or a connection that has no address to be counted by. */
export type Reader = string | object

/** Where an acceptance is before it is told; `--durability` in the README says what it survives there. */
export type Durability = 'memory' | 'replica' | 'disk'

/** `away`: nothing can be logged at present. It becomes `ready` by itself. */
export type LogHealth = 'ready' | 'away'

/** The log began anew after the sender's earlier signals: those that are not answered must come again before this one. */
export class EpochChanged extends Error {
  override readonly name = 'EpochChanged'
}

/** The log cannot be used as it was set up. The text says what to do, in a sentence that ends with a full stop. */
export class LogUnusable extends Error {
  override readonly name = 'LogUnusable'
}

/**
 * The memory of the relay. Everything is asynchronous, so that an engine may live elsewhere.
 * A rejected promise means passing trouble: the same call may be made again.
 */
export interface SignalLog {
  readonly health: LogHealth
  /** Makes sure that the log can be used, before anybody relies on it; else rejects with `LogUnusable`. */
  open(): Promise<void>
  /**
   * Logs a signal once per room and id. Followers of the room hear of it before the promise resolves, or later. Rejects with
   * `EpochChanged`, and logs nothing, where the room's log began anew since the sender's last signal.
   */
  append(entry: NewEntry): Promise<AppendResult>
  /** Reads at most `limit` entries after an offset; `'end'` is the offset of the newest. Readers take turns. */
  read(room: string, after: number | 'end', limit: number, reader?: Reader): Promise<LogPage>
  /** Finds the offset that lies `age` milliseconds before the call, by the log's own clock. Readers take turns. */
  find(room: string, age: number, reader?: Reader): Promise<FindResult>
  /**
   * Calls back for each new entry of a room: for all that a `read` which begins later does not show. A followed room is
   * not forgotten for being idle.
   */
  subscribe(room: string, follower: Subscriber): () => void
  close(): Promise<void>
}
