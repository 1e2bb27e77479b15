import { call, read } from '../page/dom.js'
import { SignalError } from '../errors.js'
import { checkOptions } from '../options.js'
import { getPageClient, onPageClient } from '../page-client.js'
import { DEFAULT_ROOM } from '../protocol/names.js'
import { watchPage } from '../refresh/refresh-on.js'
import { checkOrigins, type OriginOptions } from '../refresh/allowed-origin.js'
import { checkRefresh, type RefreshOptions } from '../refresh/refresh-options.js'
import type { RegisteredSignals, SignalClient, SignalMap, Stop } from '../signals.js'
import { Attribute, type Report } from './attributes.js'
import { dispatchSignals } from './events.js'
import { inheritAttributes, refreshElements } from './refreshing.js'
import { sendFrom } from './sending.js'
import { showStatus } from './status.js'

export interface HtmlOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = Sent,
> extends OriginOptions {
  /** Whose signals. @default the page's client, as soon as there is one, and whichever it is at the time */
  readonly client?: SignalClient<Sent, Received> | undefined
  /** The part of the page whose inside is looked at; signals are events of it. @default document */
  readonly root?: Document | Element | undefined
  /** How everything on the page refreshes, where its attributes do not say it. */
  readonly refresh?: Omit<RefreshOptions, 'client' | 'room' | 'where' | 'indicator' | 'onError'> | undefined
  /** Told what goes wrong, once for what several elements share. @default thrown, in a task of its own, so that the console and error trackers see it */
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

// On the element, not in this module: a script tag's copy and a bundle's copy of this package bind it once.
const KEY = Symbol.for('signalpost:html')

/**
 * Does what the `data-signal-*` attributes of the page say, also of elements that come later, and makes every signal an
 * event `signal:<name>` of the document. Wrong attributes are told to `onError` and harm no others. The same root twice is
 * one binding. Where there is no page, it does nothing.
 *
 * @throws SignalError `bad-option`.
 */
export function bindHtml<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent>(
  options: HtmlOptions<Sent, Received> = {},
): Stop {
  checkOptions(options, OPTIONS)
  const { root = globalThis.document, refresh = {}, origins, onError = rethrow } = options
  checkOrigins(origins)
  checkRefresh(['*'], bindHtml, refresh as RefreshOptions)
  if (!root) return () => undefined
  const mark = root as { [KEY]?: Stop | undefined }
  if (mark[KEY]) return mark[KEY]
  // The page's attributes, not the types, say what is sent and received.
  const ownClient = options.client as SignalClient | undefined
  const told = new WeakSet<object>()
  let bound: BoundClient | undefined

  // In a task of its own, where nothing that onError does can harm what is going on.
  const report: Report = (element, cause) => {
    if (told.has(cause as object)) return
    told.add(cause as object)
    const { code = 'bad-option', message } = cause as Partial<SignalError>
    const id = call(element, 'getAttribute', 'id')
    const place = read(element, 'localName') + (id ? `#${id}` : '')
    queueMicrotask(() => onError(new SignalError(code, `${place}: ${message}`, cause)))
  }

  const controller = new AbortController()
  // Also where nothing is refreshed yet: the next page may have to know how it was come by.
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
  /** Elements have come, gone or changed. */
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

function rethrow(error: SignalError): never {
  throw error
}
