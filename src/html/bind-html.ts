import { call, read } from '../page/dom.js'
import { rethrow, SignalError } from '../errors.js'
import { checkOptions } from '../option-checks.js'
import { getPageClient, onPageClient } from '../page-client.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import { watchPage } from '../refresh/refresh-on.js'
import { checkOrigins, type OriginOptions } from '../refresh/allowed-origin.js'
import { checkRefresh, type RefreshOptions } from '../refresh/refresh-options.js'
import type { JsonifyMap, RegisteredSignals, SignalClient, SignalMap, Stop } from '../signals.js'
import { Attribute, type Report } from './attributes.js'
import { dispatchSignals } from './events.js'
import { inheritAttributes, refreshElements } from './refreshing.js'
import { sendFrom } from './sending.js'
import { showStatus } from './status.js'

export interface HtmlOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
> extends OriginOptions {
  /** The client. @default the page's client, now and whenever it changes */
  readonly client?: SignalClient<Sent, Received> | undefined
  /** The part of the page with the attributes; it dispatches the events of signals. @default document */
  readonly root?: Document | Element | undefined
  /** The options of all refreshes, where attributes do not set them. */
  readonly refresh?: Omit<RefreshOptions, 'client' | 'room' | 'where' | 'indicator' | 'onError'> | undefined
  /** Receives errors; one call for an error that several elements share. @default throws them in a microtask, for the console and error trackers */
  readonly onError?: ((error: SignalError) => void) | undefined
}

const OPTIONS = {
  client: 'object',
  root: 'object',
  refresh: 'object',
  origins: 'object',
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
 * `signal:<name>` on the document. A wrong attribute goes to `onError`; the others still work. A second call with the same
 * root returns the same binding. Does nothing where there is no page.
 *
 * @throws SignalError `bad-option`.
 */
export function bindHtml<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = JsonifyMap<Sent>>(
  options: HtmlOptions<Sent, Received> = {},
): Stop {
  checkOptions(options, OPTIONS)
  const { root = globalThis.document, refresh = {}, origins, onError = rethrow } = options
  checkOrigins(origins)
  checkRefresh(['*'], bindHtml, refresh as RefreshOptions)
  if (!root) return () => undefined
  const mark = root as { [KEY]?: Stop | undefined }
  if (mark[KEY]) return mark[KEY]
  // The attributes of the page, not the types, name the signals.
  const ownClient = options.client as SignalClient | undefined
  const told = new WeakSet<object>()
  let bound: BoundClient | undefined

  // In a microtask, so that an error in onError cannot interrupt the caller.
  const report: Report = (element, cause) => {
    if (told.has(cause as object)) return
    told.add(cause as object)
    const { code = 'bad-option', message } = cause as Partial<SignalError>
    const id = call(element, 'getAttribute', 'id')
    const place = read(element, 'localName') + (id ? `#${id}` : '')
    queueMicrotask(() => onError(new SignalError(code, `${place}: ${message}`, cause)))
  }

  const controller = new AbortController()
  // Needed without any refresh, too: the next page may have to know how the user reached it.
  watchPage(controller.signal)
  const getClient = (): SignalClient | undefined => ownClient ?? getPageClient()
  const sendMeta = sendFrom({ root, getClient, report, signal: controller.signal })

  function update(): void {
    bound?.update()
    if (bound) sendMeta()
  }

  function follow(client: SignalClient | undefined): void {
    bound?.stop()
    bound = client && bindClient(client, root, { ...refresh, origins }, report)
    update()
  }

  const observer = new MutationObserver((records) => {
    inheritAttributes(records)
    update()
  })
  const unfollow = ownClient ? undefined : onPageClient(follow)
  observer.observe(root, WATCHED)
  follow(getClient())

  function stop(): void {
    if (mark[KEY] !== stop) return
    delete mark[KEY]
    unfollow?.()
    observer.disconnect()
    controller.abort()
    follow(undefined)
    delete read(document, 'documentElement').dataset.signalState
  }
  mark[KEY] = stop
  return stop
}

interface BoundClient {
  /** Call it when elements were added, removed or changed. */
  readonly update: () => void
  readonly stop: Stop
}

function bindClient(
  client: SignalClient,
  root: Document | Element,
  options: RefreshOptions & OriginOptions,
  report: Report,
): BoundClient {
  const refresh = refreshElements(client, options, report)
  const hear = dispatchSignals(client, root)
  const status = showStatus(client, root)
  return {
    update() {
      hear(refresh(call(root, 'querySelectorAll', `[${Attribute.Refresh}]`)).add(DEFAULT_ROOM))
      status.update()
    },
    stop() {
      hear(refresh([]))
      status.stop()
    },
  }
}
