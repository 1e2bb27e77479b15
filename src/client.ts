import { checkClientOptions, type ClientOptions } from './client-options.js'
import { resolveUrl } from './connection/url.js'
import { createDelivery } from './delivery/delivery.js'
import type { AnyHandler } from './delivery/receivers.js'
import { createEmitter } from './emitter.js'
import { rethrow, SignalError } from './errors.js'
import { checkFunction, checkOptions } from './option-checks.js'
import { getPageClient, noteSent, setPageClient } from './page-client.js'
import type {
  Gap,
  JsonifyMap,
  ReceiveOptions,
  RegisteredSignals,
  SendOptions,
  Signal,
  SignalClient,
  SignalMap,
} from './signals.js'
import { type SignalStatus, withGrace } from './status.js'

interface ClientEvents {
  readonly status: SignalStatus
  readonly gap: Gap
}

const STATUS_OPTIONS = { grace: 'number' }

/**
 * Connects the page to a relay. `sendSignal`, `receiveSignal` and `onSignalStatus` use the first client of the page. Where
 * there is no page (a server that renders), the client does nothing until `connect()` is called.
 *
 * @throws SignalError `bad-option`, `bad-url` or `insecure-url`.
 */
export function createSignalClient<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
>(options?: ClientOptions<Sent, Received>): SignalClient<Sent, Received> {
  checkClientOptions(options)
  const { connect = 'now', onError = rethrow } = options ?? {}

  // In a microtask, so that an error in onError cannot interrupt the caller.
  const report = (error: SignalError): void => queueMicrotask(() => onError(error))
  const onThrow = (cause: unknown, event: Signal | SignalStatus | Gap): void => {
    const whose = 'name' in event ? ` of ${event.name}` : ''
    report(new SignalError('handler-threw', `A handler${whose} threw: see error.cause.`, cause))
  }
  const emitter = createEmitter<ClientEvents>(onThrow)
  const { transport, ...delivery } = createDelivery({
    ...(options as ClientOptions | undefined),
    url: resolveUrl(options?.url),
    onStatus: (status) => emitter.emit('status', status),
    onGap: (gap) => emitter.emit('gap', gap),
    onThrow,
    onError: report,
  })

  function connectWhen(moment: ClientOptions['connect']): void {
    if (moment === connect && globalThis.location && transport.status.state === 'idle') transport.connect()
  }

  const client: SignalClient<Sent, Received> = {
    get status() {
      return transport.status
    },

    get tab() {
      return delivery.tab()
    },

    sendSignal(name, ...rest) {
      const [data, sendOptions] = rest as [data?: unknown, options?: SendOptions]
      const signal = delivery.encode(name, data, sendOptions)
      noteSent()
      connectWhen('lazy')
      return delivery.send(signal)
    },

    receiveSignal(name, handler, receiveOptions) {
      // The receivers of all names share one type; each handler gets the signals of its own name only.
      const stop = delivery.receive(name, handler as unknown as AnyHandler, receiveOptions as ReceiveOptions)
      connectWhen('lazy')
      return stop
    },

    onStatus(listener, statusOptions) {
      checkFunction(listener, 'onStatus()')
      checkOptions(statusOptions, STATUS_OPTIONS)
      const [tell, cancel] = withGrace(listener, statusOptions?.grace ?? 0, transport.status)
      const off = emitter.on('status', tell)
      return () => {
        off()
        cancel()
      }
    },

    onGap(listener) {
      checkFunction(listener, 'onGap()')
      return emitter.on('gap', listener)
    },

    connect: transport.connect,

    setToken(next) {
      checkClientOptions({ token: next })
      delivery.setToken(next)
    },

    close() {
      delivery.close()
      if (getPageClient() === client) setPageClient(undefined)
    },
  }

  if (!getPageClient()) setPageClient(client)
  connectWhen(delivery.isWaiting && connect === 'lazy' ? 'lazy' : 'now')
  return client
}
