import { call } from '../page/dom.js'
import { isSignalError, SignalError } from '../errors.js'
import { getPageClient, hasSent, onSent } from '../page-client.js'
import type {
  AnySignals,
  Gap,
  JsonifyMap,
  RegisteredSignals,
  Signal,
  SignalClient,
  SignalMap,
  SignalName,
  Stop,
} from '../signals.js'
import type { RefreshAction } from './action.js'
import { editedFields, openDialogs, recordSaved, watchEdits } from '../page/edits.js'
import { failure, NOT_YET } from './failure.js'
import { createIndicator } from './indicator/indicator.js'
import {
  hasUserInput,
  isLoadedByRefresh,
  MAX_RELOADS,
  recordReceived,
  reloadCount,
  wasReceivedDuringLoad,
  watchPageState,
} from '../page/next-page-state.js'
import { keepListening } from '../page/keep-listening.js'
import { checkRefresh, type RefreshOptions } from './refresh-options.js'
import { type Batch, createScheduler, type Hold, type RefreshPhase, type Scheduler } from './scheduler.js'
import { isUserNavigating, watchNavigation } from '../page/user-navigation.js'

/** The detail of the event `signalpost:refresh`, dispatched on the document in each phase of a refresh. */
export interface RefreshEventDetail {
  readonly phase: RefreshPhase
  /** The names of the signals that cause this refresh. */
  readonly names: readonly string[]
  /** How many signals and gaps this run covers. */
  readonly coalesced: number
}

/** This page's random share of every `spread`: one value, so that refreshes that run together can share a fetch. */
let share: number | undefined

/** The last scheduler of each key, which may have ended. */
const schedulers = new WeakMap<object, Scheduler>()

/** Errors that were thrown because there was no `onError`. */
const thrown = new WeakSet<SignalError>()

/** The number of registrations, and the controller that ends their common listeners. */
let registered = 0
let watching: AbortController

/**
 * Runs `action` when one of the signals arrives: once for a burst, never twice at a time, and always once more after the last
 * signal. The action waits while the page is hidden or the user is busy. After a gap it runs once, because anything may
 * have changed. The registration ends with `stop()`, which also drops a pending refresh, and with `client.close()`. A hidden,
 * frozen or cached page keeps its pending refresh; the next page of the tab takes it over when the user leaves. Without a
 * document (on a server) the function does nothing.
 *
 * Each phase is also an event `signalpost:refresh` on the document, with a {@link RefreshEventDetail}.
 *
 * @throws SignalError `no-client`, `bad-name` or `bad-option`.
 * @example refreshOn('ReportIncome', replaceElement('#report'))
 */
export function refreshOn<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(names: Name | readonly Name[], action: RefreshAction, options: RefreshOptions<Sent, Received, Name> = {}): Stop {
  return refreshByKey({}, names, action, options)
}

/** Same as `refreshOn`. A new registration with the same key inherits the pending refresh of the old one. */
export function refreshByKey<
  Name extends SignalName<Received> | '*',
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(
  key: object,
  names: Name | readonly Name[],
  action: RefreshAction,
  options: RefreshOptions<Sent, Received, Name>,
): Stop {
  const { room = 'main', wait = 150, maxWait = 2000, minInterval = 1000, spread = 0, from = 'others', where } = options
  const { whenHidden = 'wait', guard = true, indicator: shown, texts, onError = throwOnce } = options
  const wanted = [...new Set([names].flat() as Name[])]
  checkRefresh(wanted, action, options)
  // The client's own map of signals only types the options.
  const client = (options.client ?? getPageClient()) as SignalClient<object, AnySignals> | undefined
  if (!client)
    throw new SignalError('no-client', 'This page has no signal client yet: call createSignalClient() first.')
  if (!globalThis.document) return () => undefined
  const controller = new AbortController()
  const { signal } = controller
  const stop = (): void => controller.abort()
  const report = (error: SignalError): void => queueMicrotask(() => onError(error))
  const isBusy = guard === true ? (action.guard ?? isPageEdited) : guard

  function hold(): Hold | undefined {
    if (whenHidden === 'wait' && document.visibilityState === 'hidden') return 'hidden'
    // An action with its own guard renews a part of the page and never navigates.
    if (!action.guard && isUserNavigating()) return 'leaving'
    try {
      if (!((!action.guard && isReloadLoop()) || (isBusy && isBusy()))) return undefined
      return action.wouldDiscard?.() ? 'loss' : 'guard'
    } catch (cause) {
      report(new SignalError('handler-threw', 'A guard threw; the refresh runs without it.', cause))
      return undefined
    }
  }

  async function run({ signals = [], changedAt }: Batch): Promise<boolean> {
    try {
      if ((await action({ signals, changedAt, signal })) === NOT_YET) schedulers.get(key)?.add()
      return true
    } catch (cause) {
      if (signal.aborted) schedulers.get(key)?.add()
      else report(isSignalError(cause) ? cause : failure('A refresh failed', cause))
      return false
    }
  }

  function onPhase(phase: RefreshPhase, coalesced: number, hold?: Hold): void {
    show?.(phase, hold)
    const detail: RefreshEventDetail = { phase, names: wanted, coalesced }
    call(document, 'dispatchEvent', new CustomEvent('signalpost:refresh', { detail }))
  }

  watchPage(signal)
  const reloads = reloadCount()
  /** In a reload loop this page sends, on load, a signal that makes another page send one that reloads this page. */
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
    scheduler.add(received)
  }
  // The HTML of this page may be older than signals that the tab's last page has handled.
  const receiving = {
    room,
    from,
    since: 'page' as const,
    signal,
    ...(where && { where: where as (signal: Signal) => boolean }),
  }
  for (const name of wanted) client.receiveSignal(name, onSignal, receiving)
  const ends = [
    client.onGap((gap) => gap.room === room && isNews(gap) && scheduler.add()),
    client.onStatus((status) => status.state === 'closed' && status.reason === 'closed-by-page' && stop()),
    () => show?.('done'),
  ]
  for (const end of ends) signal.addEventListener('abort', end)
  keepListening(() => call(document, 'addEventListener', 'visibilitychange', scheduler.recheck, { signal }), signal)
  const isPending = schedulers.get(key)?.isDirty()
  schedulers.set(key, scheduler)
  if (isPending || wanted.some((name) => wasReceivedDuringLoad(room, name))) scheduler.add()
  return stop
}

/** Makes the refresh of a key pending, as a gap does. */
export function requestRefresh(key: object): void {
  schedulers.get(key)?.add()
}

/** Watches edits and navigations of the user as long as at least one signal has not aborted. */
export function watchPage(signal: AbortSignal): void {
  if (!registered) {
    watching = new AbortController()
    keepListening(watchAll, watching.signal)
  }
  registered += 1
  signal.addEventListener('abort', () => {
    registered -= 1
    if (!registered) watching.abort()
  })
}

function watchAll(): void {
  watchEdits(watching.signal)
  // A script that has saved a form says so with a signal.
  onSent(recordSaved, watching.signal)
  watchPageState(watching.signal)
  watchNavigation(watching.signal)
}

function isPageEdited(): boolean {
  return openDialogs().length + editedFields().length > 0 || call(document, 'querySelector', ':active') !== null
}

/** Whether a gap calls for a refresh. A form whose pages come from the cache would submit itself for ever. */
function isNews({ reason }: Gap): boolean {
  return reason !== 'cache' || !isLoadedByRefresh()
}

/** Throws an error that several registrations share only once. */
function throwOnce(error: SignalError): void {
  if (thrown.has(error)) return
  thrown.add(error)
  throw error
}
