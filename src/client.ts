import { openConnection } from './connection/connection.js'
import type { OpenLink } from './connection/link.js'
import { resolveUrl } from './connection/url.js'
import type { SignalContract } from './contract.js'
import { createInbox } from './delivery/inbox.js'
import { createOutbox } from './delivery/outbox.js'
import { checkOptions, createParcel } from './delivery/parcel.js'
import { type AnyHandler, createReceivers } from './delivery/receivers.js'
import { createEmitter } from './emitter.js'
import { SignalError } from './errors.js'
import { getPageClient, setPageClient } from './page-client.js'
import { encode } from './protocol/codec.js'
import type { RelayFrame, SignalFrame } from './protocol/frames.js'
import { createId } from './protocol/id.js'
import { DEFAULT_MAX_BYTES } from './protocol/names.js'
import type {
  Gap,
  ReceiveOptions,
  RegisteredSignals,
  SendOptions,
  SendResult,
  Signal,
  SignalClient,
  SignalMap,
  Token,
} from './signals.js'
import { type SignalStatus, withGrace } from './status.js'

export interface ClientOptions<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent> {
  /**
   * The relay's address: wss:, ws:, https:, http:, or relative to the page.
   * @default the content of `<meta name="signalpost-url">`, else `/signals` on the page's own origin
   */
  readonly url?: string
  /** `now`; `lazy`: at the first send or receive; `manual`: when `connect()` is called. @default 'now' */
  readonly connect?: 'now' | 'lazy' | 'manual'
  /** Proves to the relay who the user is. A function is asked before every connection. Never part of the url. */
  readonly token?: Token
  /** `plain`: for a server that only broadcasts JSON; nothing is confirmed or replayed. @default 'v1' */
  readonly protocol?: 'v1' | 'plain'
  /**
   * Where receivers of a page that has just loaded begin: `navigation`: with what was sent since the page began to load,
   * at most 60 seconds ago; `now`: with their own call. @default 'navigation'
   */
  readonly since?: 'navigation' | 'now'
  /** What `defineSignals` made: types, and checks of data in both directions. */
  readonly signals?: SignalContract<Sent, Received>
  /** Another carrier than the page's own socket. */
  readonly link?: OpenLink
  /** Told what goes wrong outside of a call. @default reported as an uncaught error, as the DOM does for its listeners */
  readonly onError?: (error: SignalError) => void
}

const OPTIONS = ['url', 'connect', 'token', 'protocol', 'since', 'signals', 'link', 'onError']
const CHOICES = { connect: ['now', 'lazy', 'manual'], protocol: ['v1', 'plain'], since: ['navigation', 'now'] } as const

/** How long after its navigation a page counts as one that has just loaded, in milliseconds. */
const NAVIGATION_WINDOW = 60_000

/**
 * Connects the page to a relay. The first client of a page is the one that `sendSignal`, `receiveSignal` and
 * `onSignalStatus` use. Where there is no page (a server that renders), it does nothing until `connect()` is called.
 *
 * @throws SignalError `bad-option`, `bad-url` or `insecure-url`.
 */
export function createSignalClient<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent>(
  options: ClientOptions<Sent, Received> = {},
): SignalClient<Sent, Received> {
  checkClientOptions(options)
  const {
    connect = 'now',
    token,
    protocol = 'v1',
    since = 'navigation',
    signals: contract,
    link: openLink = openConnection,
    onError = reportUncaught,
  } = options
  const isPlain = protocol === 'plain'
  const hasPage = globalThis.location !== undefined
  let isClosed = false
  let maxBytes = DEFAULT_MAX_BYTES
  // This page's public name, by which its own signals are known when they come back.
  let tab = isPlain ? createId() : undefined

  const signalEmitter = createEmitter<Signal>(reportThrown)
  const statusEmitter = createEmitter<SignalStatus>(reportThrown)
  const gapEmitter = createEmitter<Gap>(reportThrown)

  const outbox = createOutbox({ send: (text) => link.send(text), isAnswered: !isPlain, onError: report })
  const inbox = createInbox({
    send: (frame) => !isPlain && link.send(encode(frame)),
    wantedSince: () => {
      const now = performance.now()
      return since === 'navigation' && now <= NAVIGATION_WINDOW ? 0 : now
    },
    deliver,
    onGap: (gap) => gapEmitter.emit('gap', gap),
  })
  const receivers = createReceivers(signalEmitter, (room) => inbox.listen(room))
  const link = openLink(
    { url: resolveUrl(options.url), token, protocol },
    {
      rooms: () => inbox.rooms(),
      onStatus(status) {
        // What waited goes first: a listener that sends now comes after it.
        if (status.state === 'online') outbox.flush(maxBytes)
        statusEmitter.emit('status', status)
      },
      onFrame,
      onTooLarge: () => outbox.refuseOldest(new SignalError('too-large', 'The relay found the signal too large.')),
      onError: report,
    },
  )

  function report(error: SignalError): void {
    try {
      onError(error)
    } catch (thrown) {
      reportUncaught(thrown)
    }
  }

  function reportThrown(cause: unknown): void {
    report(new SignalError('handler-threw', 'A handler threw; the others were called all the same.', { cause }))
  }

  function onFrame(frame: RelayFrame): void {
    switch (frame.type) {
      case 'welcome':
        ;({ tab, maxBytes } = frame)
        return
      case 'accepted':
        return outbox.accept(frame.ids)
      case 'refused': {
        const error = new SignalError('refused', `The relay refused: ${frame.code}. ${frame.text}`)
        return frame.id === undefined ? report(error) : outbox.refuse(frame.id, error)
      }
      case 'left':
        return report(new SignalError('refused', `The relay ended this page's stay in the room "${frame.room}".`))
      default:
        inbox.onFrame(frame)
    }
  }

  function deliver(frame: SignalFrame, replayed: boolean): void {
    const { signal: name, data, room, id, at, sender } = frame
    if (!receivers.hears(room, name)) return
    try {
      receivers.deliver({
        name,
        data: contract ? (contract['~check'](name, data) as Signal['data']) : data,
        room,
        id,
        at,
        sender,
        self: sender.tab !== undefined && sender.tab === tab,
        replayed,
      })
    } catch (error) {
      report(error as SignalError)
    }
  }

  function connectIfLazy(): void {
    if (connect === 'lazy' && hasPage && link.status.state === 'idle') link.connect()
  }

  const client: SignalClient<Sent, Received> = {
    get status() {
      return link.status
    },

    sendSignal(name, ...rest) {
      const [data, sendOptions] = rest as [data?: unknown, options?: SendOptions]
      contract?.['~check'](name, data)
      const id = isPlain ? `${tab}:${createId()}` : createId()
      const parcel = createParcel(id, name, data, sendOptions, maxBytes)
      if (isClosed) return Promise.resolve(unsent(id, 'closed', 'This client was closed; create another one.'))
      connectIfLazy()
      if (!hasPage && link.status.state === 'idle') {
        return Promise.resolve(unsent(id, 'dropped', 'Not connected. On a server, use POST /publish of the relay.'))
      }
      return outbox.add(parcel)
    },

    receiveSignal(name, handler, receiveOptions) {
      if (isClosed) return () => undefined
      // The registry of handlers is one for all names; each handler gets the signals of its own name only.
      const stop = receivers.add(name, handler as unknown as AnyHandler, receiveOptions as ReceiveOptions)
      connectIfLazy()
      return stop
    },

    onStatus(listener, { grace = 0 } = {}) {
      if (isClosed) return () => undefined
      const [tell, cancel] = withGrace(listener, grace, link.status)
      const off = statusEmitter.on('status', tell)
      return () => {
        off()
        cancel()
      }
    },

    onGap: (listener) => gapEmitter.on('gap', listener),

    connect: () => link.connect(),

    setToken: (fresh) => link.setToken(fresh),

    close() {
      if (isClosed) return
      isClosed = true
      link.close()
      outbox.close()
      for (const emitter of [signalEmitter, statusEmitter, gapEmitter]) emitter.clear()
      if (getPageClient() === client) setPageClient(undefined)
    },
  }

  if (!getPageClient()) setPageClient(client)
  if (connect === 'now' && hasPage) link.connect()
  return client
}

function checkClientOptions(options: object): void {
  checkOptions(options, OPTIONS, 'createSignalClient')
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value: unknown = options[name as keyof typeof options]
    if (value === undefined || choices.some((choice) => choice === value)) continue
    throw new SignalError('bad-option', `The option "${name}" must be one of: ${choices.join(', ')}.`)
  }
}

function unsent(id: string, outcome: 'closed' | 'dropped', text: string): SendResult {
  return { id, outcome, error: new SignalError(outcome === 'closed' ? 'closed' : 'no-websocket', text) }
}

function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') return reportError(error)
  setTimeout(() => {
    throw error
  })
}
