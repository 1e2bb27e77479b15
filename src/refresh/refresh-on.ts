import { call } from '../page/dom.js'
import { isSignalError, SignalError } from '../errors.js'
import { getPageClient, hasSent } from '../page-client.js'
import type { AnySignals, RegisteredSignals, Signal, SignalClient, SignalMap, SignalName, Stop } from '../signals.js'
import type { RefreshAction } from './action.js'
import { editedFields, hasOpenDialog, watchEdits } from '../page/edits.js'
import { failure, NOT_YET } from './failure.js'
import { createIndicator } from './indicator/indicator.js'
import {
  reloadCount,
  hasUserInput,
  MAX_RELOADS,
  recordReceived,
  wasReceivedDuringLoad,
  watchPageState,
} from '../page/page-state.js'
import { checkRefresh, type RefreshOptions } from './refresh-options.js'
import { type Batch, createScheduler, type Hold, type RefreshPhase, type Scheduler } from './scheduler.js'
import { isUserNavigating, watchNavigation } from '../page/user-navigation.js'

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

/** The last registration of each place, which may have ended. */
const last = new WeakMap<object, Scheduler>()

/** What was told where nobody asked to be told. */
const told = new WeakSet<SignalError>()

/** How many registrations there are, and what ends the watching that all of them need. */
let registered = 0
let watching: AbortController

/**
 * Runs `action` when one of the signals arrives: once for a burst, never twice at a time, and always once more after the last
 * signal. It waits while nobody sees the page, or while the user is busy with it. After a gap it runs once, for anything may
 * have changed. It ends with `stop()`, which also drops what waits, and with `client.close()`; a page that is put aside
 * (hidden, frozen, in the browser's cache) keeps what waits, and one that is left hands it on to the next page of the tab. Where there is no page, it does nothing.
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
  return refreshPlace({}, names, action, options)
}

/** Does that for one place of a page: who registers for it again, with other options, takes over what the last one still owed. */
export function refreshPlace<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = Sent,
>(
  place: object,
  names: Name | readonly Name[],
  action: RefreshAction,
  options: RefreshOptions<Sent, Received, Name>,
): Stop {
  const { room = 'main', wait = 150, maxWait = 2000, minInterval = 1000, spread = 0, from = 'others', where } = options
  const { whenHidden = 'wait', guard = true, indicator: shown, texts, onError = rethrow } = options
  const wanted = [...new Set([names].flat() as Name[])]
  checkRefresh(wanted, action, options)
  // Its own map of signals types the options; what it does is the same for every map.
  const client = (options.client ?? getPageClient()) as SignalClient<object, AnySignals> | undefined
  if (!client) throw new SignalError('no-client', 'This page has no client yet: call createSignalClient() first.')
  if (!globalThis.document) return () => undefined
  const controller = new AbortController()
  const { signal } = controller
  const stop = (): void => controller.abort()
  const report = (error: SignalError): void => queueMicrotask(() => onError(error))
  const isBusy = guard === true ? (action.guard ?? isPageEdited) : guard

  function hold(): Hold | undefined {
    if (whenHidden === 'wait' && document.visibilityState === 'hidden') return 'hidden'
    // What has a guard of its own renews a part of the page, and takes nobody elsewhere.
    if (!action.guard && isUserNavigating()) return 'leaving'
    try {
      return (!action.guard && isReloadLoop()) || (isBusy && isBusy()) ? 'guard' : undefined
    } catch (cause) {
      report(new SignalError('handler-threw', 'A guard threw, and holds nothing back.', cause))
      return undefined
    }
  }

  async function run({ signals = [], changedAt }: Batch): Promise<boolean> {
    try {
      if ((await action({ signals, changedAt, signal })) === NOT_YET) last.get(place)?.mark()
      return true
    } catch (cause) {
      if (signal.aborted) last.get(place)?.mark()
      else report(isSignalError(cause) ? cause : failure('A refresh failed', cause))
      return false
    }
  }

  function onPhase(phase: RefreshPhase, coalesced: number, hold?: Hold): void {
    show?.(phase, hold)
    const detail: RefreshEventDetail = { phase, names: wanted, coalesced }
    call(document, 'dispatchEvent', new CustomEvent('signalpost:refresh', { detail }))
  }

  const reloads = reloadCount()
  /** Each time this page comes, it sends what makes another page send what makes this one go. */
  const isReloadLoop = (): boolean => reloads === MAX_RELOADS && !hasUserInput() && hasSent()
  const scheduler = createScheduler({
    wait,
    maxWait,
    minInterval,
    notBefore: reloads > 0 ? minInterval * 2 ** reloads : 0,
    delay: spread * (share ??= Math.random()),
    hold,
    run,
    onPhase,
    signal,
  })
  const target = (): Element | null | undefined => (shown instanceof Element ? shown : action.target?.())
  const show = shown === false ? undefined : createIndicator({ target, refresh: scheduler.runNow, texts })

  const onSignal = (_data: unknown, received: Signal): void => {
    recordReceived(room, received.name)
    scheduler.mark(received)
  }
  const receiving = { room, from, signal, ...(where && { where: where as (signal: Signal) => boolean }) }
  for (const name of wanted) client.receiveSignal(name, onSignal, receiving)
  const ends = [
    client.onGap((gap) => gap.room === room && scheduler.mark()),
    client.onStatus((status) => status.state === 'closed' && status.reason === 'closed-by-page' && stop()),
    () => show?.('done'),
  ]
  for (const end of ends) signal.addEventListener('abort', end)
  call(document, 'addEventListener', 'visibilitychange', scheduler.recheck, { signal })
  watchPage(signal)
  const isOwing = last.get(place)?.isDirty()
  last.set(place, scheduler)
  if (isOwing || wanted.some((name) => wasReceivedDuringLoad(room, name))) scheduler.mark()
  return stop
}

/** Watches what users do, and when they leave, for as long as anything asks for it. */
export function watchPage(signal: AbortSignal): void {
  if (registered === 0) {
    watching = new AbortController()
    watchEdits(watching.signal)
    watchPageState(watching.signal)
    watchNavigation(watching.signal)
  }
  registered += 1
  signal.addEventListener('abort', () => {
    registered -= 1
    if (registered === 0) watching.abort()
  })
}

function isPageEdited(): boolean {
  return hasOpenDialog() || editedFields().length > 0 || call(document, 'querySelector', ':active') !== null
}

/** What several share is told once. */
function rethrow(error: SignalError): void {
  if (told.has(error)) return
  told.add(error)
  throw error
}
