import { call, read } from '../page/dom.js'
import { keepListening } from '../page/keep-listening.js'
import { rethrow, SignalError } from '../errors.js'
import { checkOptions } from '../option-checks.js'
import { getPageClient, onPageClient } from '../page-client.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import { watchPage } from '../refresh/refresh-on.js'
import { checkOrigins } from '../refresh/allowed-origin.js'
import type { ReplaceOptions, SwapFunction } from '../refresh/index.js'
import { checkRefresh, type RefreshOptions } from '../refresh/refresh-options.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap, Stop } from '../signals.js'
import { Attribute, type Report } from './attributes.js'
import { dispatchSignals } from './dispatch-signals.js'
import { inheritAttributes, refreshElements, type RefreshElementsOptions } from './refresh-elements.js'
import { sendFromElements } from './send-from-elements.js'
import { showStatus } from './show-status.js'

export interface HtmlOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
> extends Omit<ReplaceOptions, 'url' | 'form' | 'swap'> {
  /** The client. @default the page's client, now and whenever it changes */
  readonly client?: SignalClient<Sent, Received> | undefined
  /** The part of the page with the attributes; it dispatches the events of signals. @default document */
  readonly root?: Document | Element | undefined
  /** The options of all refreshes, where attributes do not set them. */
  readonly refresh?: Omit<RefreshOptions, 'client' | 'room' | 'where' | 'indicator' | 'onError'> | undefined
  /** The function `morph` of `signalpost/morph`, for elements with `data-signal-swap="morph"`. @default that of the script tag */
  readonly morph?: SwapFunction | undefined
  /** Receives errors; one call for an error that several elements share. @default throws them in a microtask, for the console and error trackers */
  readonly onError?: ((error: SignalError) => void) | undefined
}

const OPTIONS = {
  client: 'object',
  root: 'object',
  refresh: 'object',
  origins: 'object',
  headers: 'object',
  fetch: 'function',
  morph: 'function',
  onError: 'function',
}

const WATCHED = {
  childList: true,
  subtree: true,
  attributeFilter: ['id', ...Object.values(Attribute)],
}

// The element has the binding, not this module: a script tag's copy and a bundle's copy of this package bind it once.
const KEY = Symbol.for('signalpost:html')

/**
 * Follows the `data-signal-*` attributes of the page, also of later elements, and dispatches every signal as an event
 * `signal:<name>` on the document, and once more with the name in lower case for attributes of libraries. A wrong attribute
 * goes to `onError`; the others still work. A second call with the same root returns the same binding. Does nothing where
 * there is no page.
 *
 * @throws SignalError `bad-option`.
 */
export function bindHtml<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = JsonifyMap<Sent>>(
  options: HtmlOptions<Sent, Received> = {},
): Stop {
  // The attributes of the page, not the types, name the signals.
  return bindWhen((begin) => begin(), options as HtmlOptions)
}

/** Same as `bindHtml`, but `schedule` decides when the binding begins. */
export function bindWhen(schedule: (begin: () => void) => void, options: HtmlOptions): Stop {
  checkOptions(options, OPTIONS)
  const { root = globalThis.document, refresh = {}, origins } = options
  checkOrigins(origins)
  checkRefresh(['*'], bindHtml, refresh as RefreshOptions)
  if (!root) return () => undefined
  const boundRoot = root as { [KEY]?: Stop | undefined }
  if (boundRoot[KEY]) return boundRoot[KEY]
  const controller = new AbortController()
  const { signal } = controller

  function stop(): void {
    if (boundRoot[KEY] !== stop) return
    delete boundRoot[KEY]
    controller.abort()
  }
  boundRoot[KEY] = stop
  schedule(() => signal.aborted || followPage(root, options, signal))
  return stop
}

function followPage(root: Document | Element, options: HtmlOptions, signal: AbortSignal): void {
  const { client: ownClient, refresh, origins, headers, onError = rethrow } = options
  const reported = new WeakSet<object>()
  let bound: BoundClient | undefined

  // In a microtask, so that an error in onError cannot interrupt the caller.
  const report: Report = (element, cause) => {
    if (reported.has(cause as object)) return
    reported.add(cause as object)
    const { code = 'bad-option', message } = cause as Partial<SignalError>
    const id = call(element, 'getAttribute', 'id')
    const name = read(element, 'localName') + (id ? `#${id}` : '')
    queueMicrotask(() => onError(new SignalError(code, `${name}: ${message}`, cause)))
  }

  // Needed without any refresh, too: the next page may have to know how the user reached it.
  watchPage(signal)
  const getClient = (): SignalClient | undefined => ownClient ?? getPageClient()
  const sendMeta = sendFromElements({ root, getClient, report, signal })

  function update(): void {
    bound?.update()
    if (bound) sendMeta()
  }

  function follow(client: SignalClient | undefined): void {
    bound?.stop()
    bound =
      client &&
      bindClient(
        client,
        root,
        { ...refresh, origins, headers, fetch: options.fetch, morph: () => options.morph ?? findMorph() },
        report,
      )
    update()
  }

  const observer = new MutationObserver(update)
  const unfollow = ownClient ? undefined : onPageClient(follow)
  observer.observe(root, WATCHED)
  const onSwap = inheritAttributes as (event: Event) => void
  keepListening(() => call(root, 'addEventListener', 'signalpost:before-swap', onSwap, { signal }), signal)
  follow(getClient())
  signal.addEventListener('abort', () => {
    unfollow?.()
    observer.disconnect()
    follow(undefined)
    delete read(document, 'documentElement').dataset.signalState
  })
}

/** The script tag of the function may come later than that of this package. */
function findMorph(): SwapFunction | undefined {
  return (globalThis as { Signalpost?: { morph?: SwapFunction } }).Signalpost?.morph
}

interface BoundClient {
  /** Call it when elements were added, removed or changed. */
  readonly update: () => void
  readonly stop: Stop
}

function bindClient(
  client: SignalClient,
  root: Document | Element,
  options: RefreshElementsOptions['options'],
  report: Report,
): BoundClient {
  const { setRooms, hasNews, stop } = dispatchSignals(client, root)
  const refresh = refreshElements({ client, options, report, hasNews })
  const status = showStatus(client, root)
  return {
    update() {
      setRooms(refresh(call(root, 'querySelectorAll', `[${Attribute.Refresh}]`)).add(DEFAULT_ROOM))
      status.update()
    },
    stop() {
      refresh([])
      stop()
      status.stop()
    },
  }
}
