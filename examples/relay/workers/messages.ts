import type { CommandSettings } from '../options/options.js'
import type { RelayAddress } from '../relay.js'

/** A change of the number that a limit has for a key. */
export type Change = readonly [limit: string, key: string, change: number]

/** Changes of limits that workers share. */
export interface Changes {
  readonly type: 'changes'
  /** Present uses, which are given back when their worker ends. */
  readonly uses: readonly Change[]
  /** Units that rate limits have allowed. */
  readonly units: readonly Change[]
}

/** A message of the primary process to a worker. */
export type ToWorker =
  | { readonly type: 'start'; readonly number: number; readonly settings: CommandSettings }
  | { readonly type: 'reload'; readonly settings: CommandSettings }
  | { readonly type: 'stop' }
  | { readonly type: 'question'; readonly id: number; readonly topic: string; readonly question: unknown }
  | { readonly type: 'answers'; readonly id: number; readonly answers: readonly unknown[] }
  | Changes

/** A message of a worker to the primary process. */
export type FromWorker =
  /** The first message: earlier ones to the worker would be lost. */
  | { readonly type: 'loaded' }
  | { readonly type: 'ready'; readonly address: RelayAddress }
  | { readonly type: 'failed'; readonly failure: StartFailure }
  /** The last message. */
  | { readonly type: 'stopped' }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'ask'; readonly id: number; readonly topic: string; readonly question: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | Changes

/** Why a worker could not listen. An error loses its class and its code between processes. */
export interface StartFailure {
  readonly text: string
  readonly code: string | undefined
  readonly isLogUnusable: boolean
}
