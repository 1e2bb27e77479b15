import { openConnection } from './connection/connection.js'
import type { OpenLink } from './connection/link.js'
import { resolveUrl } from './connection/url.js'
import type { SignalContract } from './contract.js'
import { createInbox } from './delivery/inbox.js'
import { sendFarewell } from './delivery/farewell.js'
import { createOutbox } from './delivery/outbox.js'
import { createParcel } from './delivery/parcel.js'
import { type AnyHandler, createReceivers, typeOf } from './delivery/receivers.js'
import { openTabMemory } from './delivery/tab-memory.js'
import { createUnheard } from './delivery/unheard.js'
import { createEmitter } from './emitter.js'
import { SignalError } from './errors.js'
import { badOption, checkFunction, checkOptions } from './options.js'
import { getPageClient, setPageClient } from './page-client.js'
import { encode } from './protocol/codec.js'
import type { JsonValue, RefusedFrame, RelayFrame, SignalFrame } from './protocol/frames.js'
import { createId } from './protocol/id.js'
import { DEFAULT_MAX_BYTES, DEFAULT_ROOM } from './protocol/names.js'
import type {
  Gap,
  ReceiveOptions,
  RegisteredSignals,
  SendOptions,
  Signal,
  SignalClient,
  SignalMap,
  Token,
} from './signals.js'
import { type SignalStatus, withGrace } from './status.js'

export interface ClientOptions<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent> {
  /**
   * The relay's address: wss:, ws:, https:, http:, or relative to the page, from `/`, `./` or `../`. Empty: as if it
   * were not given.
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
  /** Told what goes wrong outside of a call. @default thrown, in a task of its own, so that the console and error trackers see it */
  readonly onError?: (error: SignalError) => void
}

const OPTIONS = {
  url: ['string'],
  connect: ['now', 'lazy', 'manual'],
  token: ['string', 'function'],
  protocol: ['v1', 'plain'],
  since: ['navigation', 'now'],
  signals: ['object'],
  link: ['function'],
  onError: ['function'],
}

const STATUS_OPTIONS = { grace: ['number'] }

/** How long after its navigation a page counts as one that is still loading, in milliseconds. */
const NAVIGATION_WINDOW = 60_000

interface ClientEvents {
  readonly status: SignalStatus
  readonly gap: Gap
}

/**
 * Connects the page to a relay. The first client of a page is the one that `sendSignal`, `receiveSignal` and
 * `onSignalStatus` use. Where there is no page (a server that renders), it does nothing until `connect()` is called.
 *
 * @throws SignalError `bad-option`, `bad-url` or `insecure-url`.
 */
export function createSignalClient<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent>(
  options?: ClientOptions<Sent, Received>,
): SignalClient<Sent, Received> {
  checkOptions(options, OPTIONS)
  const {
    url: givenUrl,
    connect = 'now',
    token,
    protocol = 'v1',
    since = 'navigation',
    signals: contract,
    link: openLink = openConnection,
    onError = rethrow,
  } = options ?? {}
  if (contract !== undefined && !contract?.['~check']) {
    throw badOption('The option "signals" takes what defineSignals() returned')
  }
  const isPlain = protocol === 'plain'
  const hasPage = Boolean(globalThis.location)
  let maxBytes = DEFAULT_MAX_BYTES
  // This page's public name, by which its own signals are known when they come back; a relay gives another one.
  let tab = createId()
  const secret = createId()
  const url = resolveUrl(givenUrl)
  const memory = hasPage && !isPlain ? openTabMemory(url) : undefined
  const remembered = memory?.take()
  // Who is here, as a relay said it of the present token; until then nobody knows.
  let user: string | undefined

  // In a task of its own, where nothing that onError does can harm what is going on.
  const report = (error: SignalError): void => queueMicrotask(() => onError(error))
  const onThrow = (cause: unknown, told: Signal | SignalStatus | Gap): void => {
    const whose = 'name' in told ? ` of ${told.name}` : ''
    report(new SignalError('handler-threw', `A handler${whose} threw: see error.cause. The others were called.`, cause))
  }
  const loadedAt = since === 'navigation' ? NAVIGATION_WINDOW : 0
  const emitter = createEmitter<ClientEvents>(onThrow)
  const unheard = createUnheard(loadedAt)
  const receivers = createReceivers({ listen: (room) => inbox.listen(room), onThrow })
  const outbox = createOutbox({ send: (text) => link.send(text), isAnswered: !isPlain, onError: report })
  const inbox = createInbox({
    send: (frame) => !isPlain && link.send(encode(frame)),
    isLoading: () => performance.now() < loadedAt,
    remembered: (since === 'navigation' && remembered?.positions) || new Map(),
    isEarlyAllowed: !memory || remembered !== undefined,
    deliver,
    onGap: (gap) => emitter.emit('gap', gap),
  })
  const link = openLink(
    { url, token, protocol, tab: secret },
    {
      rooms: inbox.rooms,
      onStatus(status) {
        // What waited goes first: a listener that sends now comes after it.
        if (status.state === 'online') goOn(true)
        // Back from the browser's cache: what later pages of the tab could not send is there.
        if (status.state === 'connecting') outbox.adopt(memory?.take()?.parcels ?? [])
        emitter.emit('status', status)
      },
      onFrame,
      onAside,
      onTooLarge: outbox.refuseTooLarge,
      onError: report,
    },
  )

  /** What is not accepted goes out once more while the page goes, and is left to the tab's next page as well. */
  function onAside(): void {
    if (!memory) return
    const posted = sendFarewell({ url, tab: secret, token: link.token, parcels: outbox.claim(user) })
    for (const { id } of posted) outbox.markHanded(id)
    memory.keep({ positions: inbox.positions(), parcels: outbox.waiting() })
  }

  /** On a new line, or with a fresh token on the present one. */
  function goOn(isNewLine: boolean): void {
    inbox.settle()
    outbox.flush({ user, maxBytes, isNewLine })
  }

  function onFrame(frame: RelayFrame): void {
    inbox.onFrame(frame)
    if (frame.type === 'welcome') {
      ;({ tab, maxBytes, user = '' } = frame)
      if (link.status.state === 'online') goOn(false)
    } else if (frame.type === 'accepted') {
      for (const id of frame.ids) outbox.settle(id, 'accepted')
    } else if (frame.type === 'refused' || frame.type === 'left') {
      const { id, room, code, text = '' } = frame as RefusedFrame
      const what = room ? `room ${room}` : 'a signal'
      const error = new SignalError('refused', `The relay refused ${what}: ${code} ${text}`)
      if (id) outbox.settle(id, 'refused', error)
      else report(error)
    }
  }

  /** `types`: under which its receivers are registered. */
  function deliver(
    frame: SignalFrame,
    replayed: boolean,
    types = [typeOf(frame.room, frame.signal), typeOf(frame.room, '*')],
  ): void {
    const { signal: name, data, room, id, at, sender } = frame
    const heard = types.filter((type) => receivers.hears(type))
    for (const type of types) if (!heard.includes(type)) unheard.keep(type, frame)
    // What nobody hears is not checked: it may be of a name that this page does not know.
    if (heard.length === 0) return
    try {
      const signal: Signal = {
        name,
        data: contract ? (contract['~check'](name, data) as JsonValue) : data,
        room,
        id,
        at,
        sender,
        self: sender.tab === tab || (isPlain && id.startsWith(tab)),
        replayed,
      }
      for (const type of heard) receivers.deliver(type, signal)
    } catch (error) {
      report(error as SignalError)
    }
  }

  function connectWhen(moment: ClientOptions['connect']): void {
    if (moment === connect && hasPage && link.status.state === 'idle') link.connect()
  }

  const client: SignalClient<Sent, Received> = {
    get status() {
      return link.status
    },

    sendSignal(name, ...rest) {
      const [data, sendOptions] = rest as [data?: unknown, options?: SendOptions]
      contract?.['~check'](name, data)
      const parcel = createParcel((isPlain ? tab : '') + createId(), name, data, sendOptions, maxBytes)
      // Only for signalpost/refresh: whether what this page sends may come back to it as a reload.
      Object.assign(client, { '~sent': true })
      connectWhen('lazy')
      if (hasPage || link.status.state !== 'idle') {
        const result = outbox.add(parcel)
        // Another listener has heard before this call that the page goes.
        if (link.status.state === 'suspended') onAside()
        return result
      }
      const error = new SignalError('no-websocket', 'There is no page here. A server uses POST /publish.')
      return Promise.resolve({ id: parcel.id, outcome: 'dropped', error })
    },

    receiveSignal(name, handler, receiveOptions) {
      // The registry is one for all names; each handler gets the signals of its own name only.
      const stop = receivers.add(name, handler as unknown as AnyHandler, receiveOptions as ReceiveOptions)
      connectWhen('lazy')
      const type = typeOf(receiveOptions?.room ?? DEFAULT_ROOM, name)
      const missed = unheard.take(type)
      if (missed.length > 0) queueMicrotask(() => missed.forEach((frame) => deliver(frame, true, [type])))
      return stop
    },

    onStatus(listener, statusOptions) {
      checkFunction(listener, 'onStatus()')
      checkOptions(statusOptions, STATUS_OPTIONS)
      const [tell, cancel] = withGrace(listener, statusOptions?.grace ?? 0, link.status)
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

    connect: link.connect,
    setToken(next) {
      checkOptions({ token: next }, OPTIONS)
      // What waits now is of whoever was here until now.
      outbox.claim(user)
      user = undefined
      link.setToken(next)
    },

    close() {
      unheard.clear()
      link.close()
      outbox.close()
      receivers.clear()
      if (getPageClient() === client) setPageClient(undefined)
    },
  }

  outbox.adopt(remembered?.parcels ?? [])
  if (!getPageClient()) setPageClient(client)
  connectWhen(outbox.waiting().length > 0 && connect === 'lazy' ? 'lazy' : 'now')
  return client
}

function rethrow(error: SignalError): never {
  throw error
}
