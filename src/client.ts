import { openConnection } from './connection/connection.js'
import type { OpenTransport, TransportEvents } from './connection/transport.js'
import { resolveUrl } from './connection/url.js'
import type { SignalContract } from './contract.js'
import { createDispatcher } from './delivery/dispatcher.js'
import { createInbox } from './delivery/inbox.js'
import { sendFarewell } from './delivery/farewell.js'
import { createOutbox, type Session } from './delivery/outbox.js'
import { createParcel } from './delivery/parcel.js'
import { type AnyHandler, createReceivers, typeOf } from './delivery/receivers.js'
import { openTabMemory } from './delivery/tab-memory.js'
import { createEmitter } from './emitter.js'
import { SignalError } from './errors.js'
import { readMeta } from './page/meta.js'
import { badOption, checkFunction, checkOptions } from './options.js'
import { getPageClient, noteSent, setPageClient } from './page-client.js'
import { encode } from './protocol/codec.js'
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
  /**
   * The user that the page was made for, as `sub` of its tokens says; empty for a visitor. When the relay names another
   * user, the signals of this one are dropped. It matters where `token` is a function.
   * @default the content of `<meta name="signalpost-user">`, else unknown
   */
  readonly user?: string
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
  readonly transport?: OpenTransport
  /** Told what goes wrong outside of a call. @default thrown, in a task of its own, so that the console and error trackers see it */
  readonly onError?: (error: SignalError) => void
}

const OPTIONS = {
  url: 'string',
  connect: 'now lazy manual',
  token: 'string function',
  user: 'string',
  protocol: 'v1 plain',
  since: 'navigation now',
  signals: 'object',
  transport: 'function',
  onError: 'function',
}

/** Shortest time between two notes of where the page is (ms). */
const NOTE_INTERVAL = 100

const STATUS_OPTIONS = { grace: 'number' }

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
    user: givenUser,
    protocol = 'v1',
    since = 'navigation',
    signals: contract,
    transport: openTransport = openConnection,
    onError = rethrow,
  } = options ?? {}
  if (contract !== undefined && !contract?.['~check']) {
    throw badOption('The option "signals" takes what defineSignals() returned')
  }
  const hasPage = Boolean(globalThis.location)
  const secret = createId()
  const url = resolveUrl(givenUrl)
  const memory = hasPage && protocol === 'v1' ? openTabMemory(url) : undefined
  const remembered = memory?.take(true)
  let session: Session = { tab: '', user: undefined, maxBytes: DEFAULT_MAX_BYTES, window: Infinity }
  // A token function may give the token of a user who signed in after this page was made.
  const lastUser = typeof token === 'function' ? remembered?.user : undefined
  let noting: ReturnType<typeof setTimeout> | undefined
  /** Whether the note is for the next page. */
  let isLeft = false
  /** The user of the signals that the page sends now; undefined for the user that the relay names next. */
  let owner = token && (givenUser ?? readMeta('user') ?? lastUser)

  // In a microtask, so that an error in onError cannot interrupt the caller.
  const report = (error: SignalError): void => queueMicrotask(() => onError(error))
  const onThrow = (cause: unknown, told: Signal | SignalStatus | Gap): void => {
    const whose = 'name' in told ? ` of ${told.name}` : ''
    report(new SignalError('handler-threw', `A handler${whose} threw: see error.cause. The others were called.`, cause))
  }
  const loadedAt = since === 'navigation' ? NAVIGATION_WINDOW : 0
  const emitter = createEmitter<ClientEvents>(onThrow)
  const receivers = createReceivers({ listen: (room) => inbox.listen(room), onThrow })
  const dispatcher = createDispatcher({
    receivers,
    check: contract?.['~check'],
    loadedAt,
    isOwn: ({ sender }) => sender.tab === session.tab,
    onError: report,
  })
  const outbox = createOutbox({ send: (text) => transport.send(text), onError: report })
  const inbox = createInbox({
    send: (frame) => transport.send(encode(frame)),
    isLoading: () => performance.now() < loadedAt,
    remembered: (since === 'navigation' && remembered?.positions) || new Map(),
    user: remembered?.user,
    isEarlyAllowed: !memory || remembered !== undefined,
    deliver(frame, isReplayed) {
      // Before the handlers: one of them may leave the page.
      note()
      dispatcher.dispatch(frame, isReplayed)
    },
    onGap: (gap) => emitter.emit('gap', gap),
  })
  const transport = openTransport(
    { url, token, protocol, tab: secret },
    {
      rooms: inbox.rooms,
      onStatus(status) {
        // Waiting signals go first: a listener that sends now comes after them.
        if (status.state === 'online') goOn(true)
        // Back from the browser's cache: later pages of the tab may have left signals that they could not send.
        if (status.state === 'connecting') remember(true)
        emitter.emit('status', status)
      },
      onWelcome({ tab, maxBytes, window, user = '' }, isFirst) {
        outbox.claim(owner)
        owner = user
        session = { tab, user, maxBytes, window }
        dispatcher.resume(inbox.setUser(user))
        if (!isFirst) goOn(false)
      },
      onFrame,
      onAside,
      onTooLarge: outbox.refuseTooLarge,
      onError: report,
    },
  )

  /** Resends unaccepted signals with a keepalive request, and stores them for the next page of the tab. */
  function onAside(): void {
    if (!memory) return
    const posted = sendFarewell({ url, tab: secret, token: transport.token, user: owner, parcels: outbox.claim(owner) })
    for (const { id } of posted) outbox.markHanded(id)
    clearTimeout(noting)
    isLeft = true
    memory.keep({ positions: inbox.positions(), parcels: outbox.waiting(), user: inbox.user })
  }

  /**
   * Notes the positions while the page lives: its `pagehide` may come after the next page began, or never. Adopts signals
   * that an earlier page left so late.
   */
  function remember(isSuccessor = false): void {
    clearTimeout(noting)
    noting = undefined
    isLeft = false
    if (!memory) return
    outbox.adopt(memory.take(isSuccessor)?.parcels ?? [])
    memory.keep({ positions: inbox.positions(), user: inbox.user })
  }

  function note(): void {
    if (!memory || noting) return
    remember()
    noting = setTimeout(remember, NOTE_INTERVAL)
  }

  /** Runs after a (re)connect and after a token change. */
  function goOn(isNewConnection: boolean): void {
    inbox.settle()
    outbox.flush(session, isNewConnection)
  }

  function onFrame(frame: Parameters<TransportEvents['onFrame']>[0]): void {
    switch (frame.type) {
      case 'accepted':
        for (const id of frame.ids) outbox.settle(id, protocol === 'plain' ? 'sent' : 'accepted')
        break
      case 'refused': {
        const { id, room, code, text } = frame
        if (id) return outbox.settle(id, 'refused', refused('a signal', code, text))
        inbox.onFrame(frame)
        return report(refused(`room ${room}`, code, text))
      }
      case 'left':
        inbox.onFrame(frame)
        return report(refused(`room ${frame.room}`, frame.code))
      default:
        inbox.onFrame(frame)
    }
    // The relay is never silent for long: the note of a page that receives nothing stays fresh.
    if (frame.type === 'joined') remember()
    else if (frame.type !== 'signal') note()
  }

  function connectWhen(moment: ClientOptions['connect']): void {
    if (moment === connect && hasPage && transport.status.state === 'idle') transport.connect()
  }

  const client: SignalClient<Sent, Received> = {
    get status() {
      return transport.status
    },

    sendSignal(name, ...rest) {
      const [data, sendOptions] = rest as [data?: unknown, options?: SendOptions]
      contract?.['~check'](name, data)
      const parcel = createParcel(createId(), name, data, sendOptions, session.maxBytes)
      noteSent(client)
      connectWhen('lazy')
      if (hasPage || transport.status.state !== 'idle') {
        const result = outbox.add(parcel)
        // Another listener has heard before this call that the page goes.
        if (transport.status.state === 'suspended') onAside()
        return result
      }
      const error = new SignalError('no-websocket', 'There is no page here. A server uses POST /publish.')
      return Promise.resolve({ id: parcel.id, outcome: 'dropped', error })
    },

    receiveSignal(name, handler, receiveOptions) {
      // The registry is one for all names; each handler gets the signals of its own name only.
      const stop = receivers.add(name, handler as unknown as AnyHandler, receiveOptions as ReceiveOptions)
      connectWhen('lazy')
      void dispatcher.deliverStored(typeOf(receiveOptions?.room ?? DEFAULT_ROOM, name))
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
      checkOptions({ token: next }, OPTIONS)
      outbox.claim(owner)
      owner = undefined
      inbox.hold()
      dispatcher.hold()
      transport.setToken(next)
    },

    close() {
      dispatcher.end()
      clearTimeout(noting)
      if (!isLeft) memory?.forget()
      transport.close()
      outbox.close()
      receivers.clear()
      if (getPageClient() === client) setPageClient(undefined)
    },
  }

  outbox.adopt(remembered?.parcels ?? [])
  // This page may end before it is connected.
  remember()
  if (!getPageClient()) setPageClient(client)
  connectWhen(outbox.waiting().length > 0 && connect === 'lazy' ? 'lazy' : 'now')
  return client
}

function refused(what: string, code: string, text = ''): SignalError {
  return new SignalError('refused', `The relay refused ${what}: ${code} ${text}`)
}

function rethrow(error: SignalError): never {
  throw error
}
