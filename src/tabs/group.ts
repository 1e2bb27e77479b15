import type { OpenSocket, Socket, SocketEvents } from '../connection/socket.js'
import type { Transport } from '../connection/transport.js'
import * as CloseCode from '../protocol/close-codes.js'
import { createId } from '../protocol/id.js'
import { watchHub } from './hub-watch.js'
import { setSharing, type Sharing } from './sharing.js'
import type { Ending, HubMessage, TabMessage } from './messages.js'

/** Only the end of a socket that waited this long for an answer makes the connection suspect (ms). */
const DEAD_AFTER = 1500

/** The states of a transport that opens another socket by itself. */
const COMES_BACK: ReadonlySet<string | undefined> = new Set(['waiting', 'connecting', 'online'])

/** Carries messages between this page and the hub of its browser. */
export interface Carrier {
  /** Where the hub is. */
  readonly place: Sharing['connection']
  post(message: TabMessage): Promise<void>
  /** Replaces a hub that does not answer. */
  replaceHub(): void
  /** This page has no socket left. */
  rest(): void
}

export interface CarrierOptions {
  /** The id of this page. */
  readonly page: string
  readonly receive: (message: HubMessage) => void
  /** This page left, or the browser took the carrier away. */
  readonly onLeft: () => void
  /** The browser has no such carrier here: it left, and another one may follow. */
  readonly onUnsupported: () => void
}

export type OpenCarrier = (options: CarrierOptions) => Carrier

/** A socket of this page. */
interface OwnSocket {
  readonly events: SocketEvents
  /** The hub that opened it. */
  hub?: string
  /** When it asked something that is not answered yet. */
  askedAt?: number | undefined
  /** The socket that takes its place where nothing can be shared. */
  direct?: Socket
}

/** Opens sockets, and knows the transport that uses them. */
export interface SharedSockets extends OpenSocket {
  /** Lets a transport that waits connect as soon as the connection of the browser is there. */
  attach(transport: Transport): void
}

/** Opens a socket where nothing can be shared. */
export function openUnshared(openSocket: OpenSocket, url: string, events: SocketEvents): Socket {
  setSharing({ connection: 'own', clients: 1 })
  return openSocket(url, events)
}

/** Opens sockets that share the connection of a hub with those of other tabs. */
export function createGroup(openCarriers: readonly OpenCarrier[], openSocket: OpenSocket): SharedSockets {
  const own = new Map<string, OwnSocket>()
  let transport: Transport | undefined
  /** The carriers that may work here, the best one first. */
  const carriers = [...openCarriers]
  let carrier: Carrier | undefined
  let page = ''
  let address = ''
  const watch = watchHub({
    probe: () => post({ type: 'probe' }),
    onSilent: () => carrier?.replaceHub(),
  })

  function receive(message: HubMessage): void {
    watch.onMessage()
    if (carrier && 'clients' in message) setSharing({ connection: carrier.place, clients: message.clients })
    switch (message.type) {
      case 'ready':
        return onReady(message.hub)
      case 'connected':
        if (transport?.status.state === 'waiting') transport.connect()
        return
      case 'opened':
        return onOpened(message.socket, message.hub)
      case 'texts':
        for (const socket of message.sockets) onTexts(socket, message.hub, message.texts)
        return
      case 'closed':
        return onClosed(message)
    }
  }

  /** A hub begins: the sockets of the last one are lost. */
  function onReady(hub: string): void {
    for (const [socket, { hub: last }] of own) {
      if (last === undefined) post({ type: 'open', socket, page })
      else if (last !== hub) lose(socket, { code: CloseCode.TooSlow, reason: 'another tab has the connection' })
    }
  }

  function onOpened(socket: string, hub: string): void {
    const opened = own.get(socket)
    if (!opened || opened.hub !== undefined) return
    opened.hub = hub
    opened.askedAt = undefined
    opened.events.onOpen()
  }

  function onTexts(socket: string, hub: string, texts: string): void {
    for (const text of texts.split('\n')) {
      // A handler may close the socket.
      const target = own.get(socket)
      if (!target || target.hub !== hub) return
      target.askedAt = undefined
      if (text.startsWith('{"type":"close"')) endByRelay(socket, JSON.parse(text) as Ending)
      else target.events.onText(text)
    }
  }

  function endByRelay(socket: string, ending: Ending): void {
    post({ type: 'close', socket, silence: 0 })
    lose(socket, ending)
  }

  function onClosed({ sockets, hub, code, reason }: HubMessage & { readonly type: 'closed' }): void {
    // A relay of an earlier version knows no shared connections.
    if (code === CloseCode.BadFrame) carriers.length = 0
    const ending =
      carriers.length > 0 ? { code, reason } : { code: CloseCode.TooSlow, reason: 'this relay shares nothing' }
    for (const socket of sockets) {
      const target = own.get(socket)
      if (target && (target.hub ?? hub) === hub) lose(socket, ending)
    }
  }

  function lose(socket: string, { code, reason }: Ending): void {
    const lost = own.get(socket)
    own.delete(socket)
    lost?.events.onClose(code, reason)
    rest()
  }

  function rest(): void {
    if (own.size > 0) return
    watch.stop()
    setSharing(undefined)
    // A page that connects again stays: it may be the next hub.
    if (!COMES_BACK.has(transport?.status.state)) carrier?.rest()
  }

  function post(message: TabMessage): void {
    void carrier?.post(message)
  }

  function share(openCarrier: OpenCarrier): void {
    // The hub may not know yet that this page has left.
    page = createId()
    carrier = openCarrier({
      page,
      receive,
      onLeft() {
        carrier = undefined
        watch.stop()
      },
      onUnsupported() {
        carriers.shift()
        for (const [socket, target] of own) {
          if (target.hub === undefined) openOwn(socket, target)
          else lose(socket, { code: CloseCode.TooSlow, reason: 'the worker does not answer' })
        }
      },
    })
  }

  function openOwn(socket: string, target: OwnSocket): void {
    const [openCarrier] = carriers
    if (!openCarrier) return void (target.direct ??= openUnshared(openSocket, address, target.events))
    if (!carrier) share(openCarrier)
    post({ type: 'open', socket, page })
    watch.start()
  }

  function open(url: string, events: SocketEvents): Socket {
    if (carriers.length === 0) return openUnshared(openSocket, url, events)
    address = url
    const socket = createId()
    const created: OwnSocket = { events, askedAt: performance.now() }
    own.set(socket, created)
    openOwn(socket, created)
    return {
      send(text) {
        if (created.direct) return created.direct.send(text)
        created.askedAt ??= performance.now()
        post({ type: 'send', hub: created.hub ?? '', socket, text })
      },
      close() {
        created.direct?.close()
        if (!own.delete(socket)) return
        const silence = performance.now() - (created.askedAt ?? Infinity)
        post({ type: 'close', socket, silence: silence > DEAD_AFTER ? silence : 0 })
        rest()
      },
    }
  }

  return Object.assign(open, {
    attach(attached: Transport) {
      transport = attached
    },
  })
}
