import { SignalError } from './errors.js'
import { badOption } from './options.js'
import type {
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

/** Says that something happened, through the page's client. See {@link SignalClient.sendSignal}. */
export function sendSignal<Name extends SignalName<RegisteredSignals>>(
  name: Name,
  ...rest: SendArguments<RegisteredSignals[Name]>
): Promise<SendResult> {
  return requirePageClient().sendSignal(name, ...rest)
}

/** Reacts to a signal, through the page's client. See {@link SignalClient.receiveSignal}. */
export function receiveSignal<Name extends SignalName<RegisteredSignals> | '*'>(
  name: Name,
  handler: SignalHandler<RegisteredSignals, Name>,
  options?: ReceiveOptions<ReceivedSignal<RegisteredSignals, Name>>,
): Stop {
  return requirePageClient().receiveSignal(name, handler, options)
}

/** Follows the status of the page's client. See {@link SignalClient.onStatus}. */
export function onSignalStatus(listener: StatusListener, options?: StatusOptions): Stop {
  return requirePageClient().onStatus(listener, options)
}

/**
 * Names the client that `sendSignal`, `receiveSignal` and `onSignalStatus` use; `undefined` for none.
 *
 * @throws SignalError `bad-option`.
 */
export function setPageClient<Sent extends SignalMap, Received extends SignalMap>(
  client: SignalClient<Sent, Received> | undefined,
): void {
  if (client && !client.sendSignal) throw badOption('setPageClient() takes what createSignalClient() returned')
  // The registry, not the client's own map, types the free functions.
  page()[KEY] = (client ?? undefined) as SignalClient | undefined
  globalThis.dispatchEvent?.(new Event(KEY))
}

/** Calls `listener` whenever another client becomes the page's, or none is any more. */
export function onPageClient(listener: (client: SignalClient | undefined) => void): Stop {
  const tell = (): void => listener(getPageClient())
  globalThis.addEventListener?.(KEY, tell)
  return () => globalThis.removeEventListener?.(KEY, tell)
}

/** The client that the free functions use, if there is one. */
export function getPageClient(): SignalClient | undefined {
  return page()[KEY]
}

// On the page, not in this module: a script tag's copy and a bundle's copy of this package share one client, by a property
// and an event of this name.
const KEY = 'signalpost:client'

function page(): { [KEY]?: SignalClient | undefined } {
  return globalThis as { [KEY]?: SignalClient | undefined }
}

function requirePageClient(): SignalClient {
  const client = getPageClient()
  if (client) return client
  throw new SignalError('no-client', 'This page has no signal client yet: call createSignalClient() first.')
}
