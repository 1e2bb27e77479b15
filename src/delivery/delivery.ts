import type { ClientOptions } from '../client-options.js'
import { openConnection } from '../connection/connection.js'
import type { Transport, TransportEvents } from '../connection/transport.js'
import { SignalError } from '../errors.js'
import { readMeta } from '../page/meta.js'
import type { Position } from '../protocol/frames.js'
import { createId } from '../protocol/id.js'
import { DEFAULT_MAX_BYTES, DEFAULT_ROOM } from '../protocol/names.js'
import { stringify } from '../protocol/stringify.js'
import type { Gap, ReceiveOptions, SendOptions, SendResult, Signal, Stop, Token } from '../signals.js'
import type { SignalStatus } from '../status.js'
import { createDispatcher } from './dispatcher.js'
import { sendBeacon } from './beacon.js'
import { createHandover } from './handover.js'
import { createInbox } from './inbox.js'
import { NAVIGATION_WINDOW } from './limits.js'
import { createOutbox, type Session } from './outbox.js'
import { encodeSignal, type OutgoingSignal } from './outgoing-signal.js'
import { type AnyHandler, createReceivers, typeOf } from './receivers.js'
import { openTabMemory, type Remembered } from './tab-memory.js'

export interface DeliveryOptions extends Omit<ClientOptions, 'connect' | 'onError'> {
  /** The resolved address of the relay. */
  readonly url: string
  readonly onStatus: (status: SignalStatus) => void
  readonly onGap: (gap: Gap) => void
  readonly onThrow: (cause: unknown, signal: Signal) => void
  readonly onError: (error: SignalError) => void
}

/** Sends the signals of the page, and passes received signals to its receivers. */
export interface Delivery {
  readonly transport: Transport
  /** Whether signals of an earlier page of the tab wait to be sent. */
  readonly isWaiting: boolean
  /** Returns the public id of the page, once the relay has named it. */
  tab(): string | undefined
  /** @throws SignalError `bad-name`, `bad-data`, `bad-option`, `too-large` or `contract`. */
  encode(name: string, data: unknown, options?: SendOptions): OutgoingSignal
  send(signal: OutgoingSignal): Promise<SendResult>
  /** @throws SignalError `bad-name` or `bad-option`. */
  receive(name: string, handler: AnyHandler, options?: ReceiveOptions): Stop
  /** Waiting signals stay with the present user, and receivers pause until the relay has named the user of the token. */
  setToken(token: Token): void
  close(): void
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { url, token, user, protocol = 'v1', since = 'navigation', onStatus, onGap, onThrow, onError } = options
  const { transport: openTransport = openConnection, signals: { '~check': check } = {} as never } = options
  const loadedAt = since === 'navigation' ? NAVIGATION_WINDOW : 0
  const secret = createId()
  const memory = globalThis.location && protocol === 'v1' ? openTabMemory(url) : undefined
  const remembered = memory?.take(true)
  let session: Session = { tab: '', user: undefined, maxBytes: DEFAULT_MAX_BYTES, window: Infinity }
  // A token function may give the token of a user who signed in after this page was made.
  const lastUser = typeof token === 'function' ? remembered?.user : undefined
  /** The user of the signals that the page sends now; undefined: the user that the relay names next. */
  let owner = token && (user ?? readMeta('user') ?? lastUser)
  let wasSuspended = false
  /** The public id of the tab's last page, once that page is left. */
  let lastTab: string | undefined

  const receivers = createReceivers({ listen: (room) => inbox.listen(room), onThrow })
  /** Whether an id is that of this page, or of the last page of its tab. */
  const isOwnTab = (tab: string | undefined): boolean => Boolean(tab) && (tab === session.tab || tab === lastTab)
  const positions = (since === 'navigation' && remembered?.positions) || new Map<string, Position>()
  const dispatcher = createDispatcher({
    receivers,
    check,
    loadedAt,
    handled: positions,
    isOwn: ({ sender }) => isOwnTab(sender.tab),
    onError,
  })
  const outbox = createOutbox({ send: (text) => transport.send(text), onError })
  const inbox = createInbox({
    send: (frame) => transport.send(stringify(frame)),
    isLoading: () => performance.now() < loadedAt,
    remembered: positions,
    user: remembered?.user,
    isEarlyAllowed: !memory || remembered !== undefined,
    deliver(frame, isReplayed) {
      // Before the handlers, because one of them may leave the page.
      handover.saveSoon()
      if (!isOwnTab(frame.exclude)) dispatcher.dispatch(frame, isReplayed)
    },
    onGap,
  })
  const handover = createHandover({
    memory,
    outbox,
    adopt,
    getPageState: () => ({ positions: inbox.positions(), user: inbox.user, tab: session.tab }),
    post: () =>
      sendBeacon({ url, tab: secret, token: transport.token, user: owner, signals: outbox.assignOwner(owner) }),
  })

  function adopt({ signals, tab }: Remembered): void {
    outbox.adopt(signals)
    lastTab = tab || lastTab
  }

  /** Runs after a (re)connect and after a token change. */
  function resume(isNewConnection: boolean): void {
    inbox.settle()
    outbox.flush(session, isNewConnection)
  }

  const transport = openTransport(
    { url, token, protocol, tab: secret },
    {
      requestRooms: inbox.requestRooms,
      onStatus(status) {
        // Waiting signals go out before those of the listeners.
        if (status.state === 'online') resume(true)
        // On a page from the back/forward cache: later pages of the tab may have left unsent signals.
        if (wasSuspended && status.state === 'connecting') handover.save(true)
        wasSuspended = status.state === 'suspended'
        onStatus(status)
      },
      onWelcome({ tab, maxBytes, window, user: present = '' }, isFirst) {
        outbox.assignOwner(owner)
        owner = present
        session = { tab, user: present, maxBytes, window }
        dispatcher.resume(inbox.setUser(present))
        if (!isFirst) resume(false)
      },
      onFrame,
      onSuspend: handover.leave,
      onTooLarge: outbox.refuseTooLarge,
      onError,
    },
  )

  function onFrame(frame: Parameters<TransportEvents['onFrame']>[0]): void {
    switch (frame.type) {
      case 'accepted':
        for (const id of frame.ids) outbox.settle(id, protocol === 'plain' ? 'sent' : 'accepted')
        break
      case 'refused': {
        const { id, room, code, text } = frame
        if (id) return outbox.settle(id, 'refused', refused('a signal', code, text))
        inbox.onFrame(frame)
        return onError(refused(`room ${room}`, code, text))
      }
      case 'left':
        inbox.onFrame(frame)
        return onError(new SignalError('refused', `The new token does not allow room ${frame.room}.`))
      default:
        inbox.onFrame(frame)
    }
    // Heartbeats keep the saved state of a page fresh that receives nothing.
    if (frame.type === 'joined' || frame.type === 'beat') handover.save()
    else if (frame.type !== 'signal') handover.saveSoon()
  }

  if (remembered) adopt(remembered)
  // This page may end before it is connected.
  handover.save()

  return {
    transport,
    isWaiting: outbox.waiting().length > 0,
    tab: () => session.tab || undefined,

    encode(name, data, sendOptions) {
      check?.(name, data)
      return encodeSignal(createId(), name, data, sendOptions, session.maxBytes)
    },

    send(signal) {
      const { state } = transport.status
      if (!globalThis.location && state === 'idle') {
        const error = new SignalError('no-websocket', 'There is no page. A server uses POST /publish.')
        return Promise.resolve({ id: signal.id, outcome: 'dropped', error })
      }
      const result = outbox.add(signal)
      // The page is already suspended: save and post this signal at once.
      if (state === 'suspended') handover.leave()
      return result
    },

    receive(name, handler, receiveOptions) {
      const stop = receivers.add(name, handler, receiveOptions)
      void dispatcher.deliverStored(typeOf(receiveOptions?.room ?? DEFAULT_ROOM, name))
      return stop
    },

    setToken(next) {
      outbox.assignOwner(owner)
      owner = undefined
      inbox.hold()
      dispatcher.hold()
      transport.setToken(next)
    },

    close() {
      dispatcher.end()
      handover.end()
      transport.close()
      outbox.close()
      receivers.clear()
    },
  }
}

function refused(what: string, code: string, text: string): SignalError {
  return new SignalError('refused', `The relay refused ${what}: ${code} ${text}`)
}
