import { isSignalError, SignalError } from '../errors.js'
import { getPageClient } from '../page-client.js'
import type { AnySignals, RegisteredSignals, Signal, SignalClient, SignalMap, SignalName, Stop } from '../signals.js'
import type { RefreshAction } from './action.js'
import { editedFields, hasOpenDialog, watchEdits } from './edits.js'
import { failure } from './failure.js'
import { createIndicator } from './indicator.js'
import { countLaps } from './laps.js'
import { noteHeard, wasHeardMeanwhile, watchLeaving } from './left-behind.js'
import { checkRefresh, type RefreshOptions } from './refresh-options.js'
import { isHidden, watchRelease } from './release.js'
import { type Batch, createScheduler, type Hold, type RefreshPhase } from './scheduler.js'

/** The detail of the event `signalpost:refresh`, which tells on the document what every refresh is doing. */
export interface RefreshEventDetail {
  readonly phase: RefreshPhase
  /** The names of the signals that it reacts to. */
  readonly names: readonly string[]
  /** How many signals and gaps this run stands for. */
  readonly coalesced: number
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
  const { room = 'main', wait = 150, maxWait = 2000, minInterval = 1000, spread = 0, from = 'others', where } = options
  const { whenHidden = 'wait', guard = true, indicator: shown, texts, onError = rethrow } = options
  const wanted = [...new Set([names].flat() as Name[])]
  checkRefresh(wanted, action, options)
  // Its own map of signals types the options; what it does is the same for every map.
  const client = (options.client ?? getPageClient()) as SignalClient<object, AnySignals> | undefined
  if (!client) throw new SignalError('no-client', 'This page has no client yet: call createSignalClient() first.')
  const page = globalThis.document as Document | undefined
  const report = (error: SignalError): void => queueMicrotask(() => onError(error))
  const isBusy = typeof guard === 'function' ? guard : guard && (action.guard ?? isPageEdited)

  function hold(): Hold | undefined {
    if (whenHidden === 'wait' && isHidden()) return 'hidden'
    try {
      return isBusy && isBusy() ? 'guard' : undefined
    } catch (cause) {
      report(new SignalError('handler-threw', 'A guard threw, and holds nothing back.', cause))
      return undefined
    }
  }

  async function run({ signals = [], changedAt }: Batch, signal: AbortSignal): Promise<boolean> {
    try {
      await action({ signals, changedAt, signal })
      return true
    } catch (cause) {
      const error = isSignalError(cause) ? cause : failure('A refresh failed', cause)
      if (!signal.aborted) report(error)
      return false
    }
  }

  function onPhase(phase: RefreshPhase, coalesced: number, hold?: Hold): void {
    indicator?.show(phase, hold)
    const detail: RefreshEventDetail = { phase, names: wanted, coalesced }
    page?.dispatchEvent(new CustomEvent('signalpost:refresh', { detail }))
  }

  function stop(): void {
    for (const end of stops) end()
  }

  const laps = page ? countLaps() : 0
  const timing = {
    wait,
    maxWait,
    minInterval,
    notBefore: laps > 0 ? minInterval * 2 ** laps : 0,
    delay: spread * (share ??= Math.random()),
  }
  const scheduler = createScheduler({ ...timing, hold, watch: watchRelease, run, onPhase })
  const target = (): Element | null | undefined => (shown instanceof Element ? shown : action.target?.())
  const indicator = page && shown !== false ? createIndicator({ target, refresh: scheduler.runNow, texts }) : undefined

  const onSignal = (_data: unknown, signal: Signal): void => {
    noteHeard(room, signal.name)
    scheduler.mark(signal)
  }
  const receiving = { room, from, ...(where && { where: where as (signal: Signal) => boolean }) }
  const stops = [
    ...wanted.map((name) => client.receiveSignal(name, onSignal, receiving)),
    client.onGap((gap) => gap.room === room && scheduler.mark()),
    client.onStatus((status) => status.state === 'closed' && status.reason === 'closed-by-page' && stop()),
    scheduler.stop,
    ...(page ? [watchEdits(), watchLeaving()] : []),
    ...(indicator ? [indicator.stop] : []),
  ]
  if (page && wanted.some((name) => wasHeardMeanwhile(room, name))) scheduler.mark()
  return stop
}

function isPageEdited(): boolean {
  return hasOpenDialog() || editedFields().length > 0
}

function rethrow(error: SignalError): never {
  throw error
}
