import { isSignalError, SignalError } from '../errors.js'
import { badOption, checkName, checkOptions } from '../options.js'
import { getPageClient } from '../page-client.js'
import type {
  AnySignals,
  ReceivedSignal,
  RegisteredSignals,
  Signal,
  SignalClient,
  SignalMap,
  SignalName,
  Stop,
} from '../signals.js'
import type { Guard, RefreshAction } from './action.js'
import { editedFields, hasOpenDialog, watchEdits } from './edits.js'
import { createIndicator } from './indicator.js'
import { noteHeard, wasHeardMeanwhile, watchLeaving } from './left-behind.js'
import type { RefreshTexts } from './notice.js'
import { isHidden, watchRelease } from './release.js'
import { createScheduler, type RefreshPhase, type SchedulerOptions } from './scheduler.js'

export interface RefreshOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = Sent,
  Name extends SignalName<Received> | '*' = SignalName<Received> | '*',
> {
  /** Whose signals. @default the page's client */
  readonly client?: SignalClient<Sent, Received> | undefined
  /** The room to listen to. @default 'main' */
  readonly room?: string | undefined
  /** How long the signals have to be quiet before it runs, in milliseconds. @default 150 */
  readonly wait?: number | undefined
  /** The longest that signals which keep coming put it off, in milliseconds. @default 2000 */
  readonly maxWait?: number | undefined
  /** The shortest time from the start of a run to the start of the next, in milliseconds. @default 1000 */
  readonly minInterval?: number | undefined
  /** `wait`: a page that nobody sees refreshes when it is seen again. @default 'wait' */
  readonly whenHidden?: 'wait' | 'run' | undefined
  /**
   * Whether what the user is doing holds it back, with a hint to click: `true` for what the action could not keep (an
   * edited field, an open dialog), `false` for nothing, or a function that returns true for as long as it has to wait.
   * @default true
   */
  readonly guard?: boolean | Guard | undefined
  /** Each page waits longer, by a random share of this, so that not all ask the server at once, in milliseconds. @default 0 */
  readonly spread?: number | undefined
  /** `others`: not what this page itself sent. @default 'others' */
  readonly from?: 'anyone' | 'others' | undefined
  /** Only signals for which it returns true. A gap in the room refreshes whatever it says. */
  readonly where?: ((signal: ReceivedSignal<Received, Name>) => boolean) | undefined
  /** The element that gets `aria-busy`; `false`: nothing is shown at all. @default the element that the action renews */
  readonly indicator?: Element | false | undefined
  /** What the page says, in another language. */
  readonly texts?: Partial<RefreshTexts> | undefined
  /** Told what goes wrong. @default thrown, in a task of its own, so that the console and error trackers see it */
  readonly onError?: ((error: SignalError) => void) | undefined
}

/** The detail of the event `signalpost:refresh`, which tells on the document what every refresh is doing. */
export interface RefreshEventDetail {
  readonly phase: RefreshPhase
  /** The names of the signals that it reacts to. */
  readonly names: readonly string[]
  /** How many signals and gaps this run stands for. */
  readonly coalesced: number
}

const OPTIONS = {
  client: ['object'],
  room: ['string'],
  wait: ['number'],
  maxWait: ['number'],
  minInterval: ['number'],
  whenHidden: ['wait', 'run'],
  guard: ['boolean', 'function'],
  spread: ['number'],
  from: ['anyone', 'others'],
  where: ['function'],
  indicator: ['object', 'boolean'],
  texts: ['object'],
  onError: ['function'],
}

/** This page's share of every `spread`: one for all, so that what runs together can share a fetch. */
let share: number | undefined

/**
 * Runs `action` when one of the signals arrives: once for a burst, never twice at a time, and always once more after the last
 * signal. It waits while nobody sees the page, or while the user is busy with it. After a gap it runs once, for anything may
 * have changed. It ends with `stop()`, which also drops what waits, and with `client.close()`; a page that is put aside
 * (hidden, frozen, in the browser's cache) keeps what waits, and one that is left hands it on to the next page of the tab.
 *
 * Each step is also an event `signalpost:refresh` on the document, with a {@link RefreshEventDetail}.
 *
 * @throws SignalError `no-client`, `bad-name` or `bad-option`.
 * @example refreshOn('ReportIncome', replaceElement('#report'))
 */
export function refreshOn<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = Sent,
>(names: Name | readonly Name[], action: RefreshAction, options: RefreshOptions<Sent, Received, Name> = {}): Stop {
  checkOptions(options, OPTIONS)
  const { wait = 150, maxWait = 2000, minInterval = 1000, spread = 0, whenHidden = 'wait', from = 'others' } = options
  const { room = 'main', where, guard = true, indicator: shown, texts, onError = rethrow } = options
  const wanted = [...new Set(typeof names === 'string' ? [names] : names)]
  if (wanted.length === 0) throw badOption('refreshOn needs the name of a signal')
  for (const name of [room, ...wanted]) if (name !== '*') checkName(name)
  for (const time of [wait, maxWait, minInterval, spread]) {
    if (!(time >= 0)) throw badOption('Times are milliseconds, from 0')
  }
  if (typeof action !== 'function') throw badOption('refreshOn needs an action, which is a function')
  // Its own map of signals types the options; what it does is the same for every map.
  const client = (options.client ?? getPageClient()) as SignalClient<object, AnySignals> | undefined
  if (!client)
    throw new SignalError('no-client', 'This page has no signal client yet: call createSignalClient() first.')
  const isHeld = typeof guard === 'function' ? guard : guard ? (action.guard ?? isPageEdited) : () => false

  const indicator =
    shown !== false && globalThis.document
      ? createIndicator({ target: () => shown ?? action.target?.(), refresh: () => scheduler.runNow(), texts })
      : undefined

  const run: SchedulerOptions['run'] = async ({ signals = [], changedAt }, signal) => {
    try {
      await action({ signals, changedAt, signal })
      return true
    } catch (cause) {
      const error = isSignalError(cause) ? cause : new SignalError('refresh-failed', 'A refresh failed.', cause)
      if (!signal.aborted) queueMicrotask(() => onError(error))
      return false
    }
  }

  const scheduler = createScheduler({
    wait,
    maxWait,
    minInterval,
    delay: spread * (share ??= Math.random()),
    hold: () => (whenHidden === 'wait' && isHidden() ? 'hidden' : isHeld() ? 'guard' : undefined),
    watch: watchRelease,
    run,
    onPhase(phase, coalesced, hold) {
      indicator?.show(phase, hold)
      const detail: RefreshEventDetail = { phase, names: wanted, coalesced }
      globalThis.document?.dispatchEvent(new CustomEvent('signalpost:refresh', { detail }))
    },
  })

  const stops = wanted.map((name) =>
    client.receiveSignal(
      name,
      (_data, signal) => {
        noteHeard(room, signal.name)
        scheduler.mark(signal)
      },
      { room, from, ...(where && { where: where as (signal: Signal) => boolean }) },
    ),
  )
  stops.push(
    client.onGap((gap) => gap.room === room && scheduler.mark()),
    client.onStatus((status) => status.state === 'closed' && status.reason === 'closed-by-page' && stop()),
    scheduler.stop,
  )
  if (globalThis.document) stops.push(watchEdits(), watchLeaving())
  if (indicator) stops.push(indicator.stop)
  if (wanted.some((name) => wasHeardMeanwhile(room, name))) scheduler.mark()

  function stop(): void {
    for (const end of stops) end()
  }
  return stop
}

function isPageEdited(): boolean {
  return hasOpenDialog() || editedFields().length > 0
}

function rethrow(error: SignalError): never {
  throw error
}
