import { SignalError } from './errors.js'
import { badOption } from './option-checks.js'
import type {
  JsonifyMap,
  ReceivedSignal,
  ReceiveOptions,
  RegisteredSignals,
  SendArguments,
  SendResult,
  SignalClient,
  SignalHandler,
  SignalMap,
  SignalName,
  Stop,
} from './signals.js'
import type { StatusListener, StatusOptions } from './status.js'

/** Sends a signal through the page's client. See {@link SignalClient.sendSignal}. */
export function sendSignal<Name extends SignalName<RegisteredSignals>>(
  name: Name,
  ...rest: SendArguments<RegisteredSignals[Name]>
): Promise<SendResult> {
  return requirePageClient().sendSignal(name, ...rest)
}

/** Receives a signal through the page's client. See {@link SignalClient.receiveSignal}. */
export function receiveSignal<Name extends SignalName<JsonifyMap<RegisteredSignals>> | '*'>(
  name: Name,
  handler: SignalHandler<JsonifyMap<RegisteredSignals>, Name>,
  options?: ReceiveOptions<ReceivedSignal<JsonifyMap<RegisteredSignals>, Name>>,
): Stop {
  return requirePageClient().receiveSignal(name, handler, options)
}

/** Follows the status of the page's client. See {@link SignalClient.onStatus}. */
export function onSignalStatus(listener: StatusListener, options?: StatusOptions): Stop {
  return requirePageClient().onStatus(listener, options)
}

/**
 * Sets the client that `sendSignal`, `receiveSignal` and `onSignalStatus` use; `undefined` removes it.
 *
 * @throws SignalError `bad-option`.
 */
export function setPageClient<Sent extends SignalMap, Received extends SignalMap>(
  client: SignalClient<Sent, Received> | undefined,
): void {
  if (client && !client.sendSignal) throw badOption('setPageClient() takes a client')
  // SignalRegistry, and not the client's own map, types the free functions.
  const page = shared()
  page.client = (client ?? undefined) as SignalClient | undefined
  page.dispatchEvent(new CustomEvent('change'))
}

/** Lets `create` create the page's client as soon as something needs it. */
export function createPageClientLater(create: () => void): void {
  shared().create = create
}

/** Calls `listener` whenever the page's client changes, with the new client or `undefined`. */
export function onPageClient(listener: (client: SignalClient | undefined) => void): Stop {
  const tell = (): void => listener(getPageClient())
  shared().addEventListener('change', tell)
  return () => shared().removeEventListener('change', tell)
}

/** Returns the client that the free functions use, if there is one. */
export function getPageClient(): SignalClient | undefined {
  return shared().client
}

/** Notes that this page has sent a signal. */
export function noteSent(): void {
  const page = shared()
  page.hasSent = true
  page.dispatchEvent(new CustomEvent('sent'))
}

/** Calls `listener` whenever this page has sent a signal. */
export function onSent(listener: () => void, signal: AbortSignal): void {
  shared().addEventListener('sent', listener, { signal })
}

/** Whether this page has sent a signal. */
export function hasSent(): boolean {
  return shared().hasSent === true
}

interface Shared extends EventTarget {
  client?: SignalClient | undefined
  hasSent?: boolean
  create?: (() => void) | undefined
}

/**
 * The client belongs to the page, not to this module: a script tag's copy and a bundle's copy of this package share it. The
 * key is a symbol, because an id in the page's HTML could hide a text key.
 */
const KEY = Symbol.for('signalpost:client')

function shared(): Shared {
  const page = ((globalThis as { [KEY]?: Shared })[KEY] ??= new EventTarget())
  const { create } = page
  page.create = undefined
  create?.()
  return page
}

function requirePageClient(): SignalClient {
  const client = getPageClient()
  if (client) return client
  throw new SignalError('no-client', 'This page has no signal client yet: call createSignalClient() first.')
}
