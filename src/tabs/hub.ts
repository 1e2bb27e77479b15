import type { OpenSocket, Socket } from '../connection/socket.js'
import * as CloseCode from '../protocol/close-codes.js'
import { createId } from '../protocol/id.js'
import type { HubMessage, TabMessage } from './messages.js'

/** Has the connection that all tabs of a browser share. */
export interface Hub {
  readonly id: string
  /** The number of open sockets of tabs. */
  readonly size: number
  receive(message: TabMessage): void
  close(): void
}

export interface HubOptions {
  readonly url: string
  readonly openSocket: OpenSocket
  /** Sends a message to all tabs. */
  readonly cast: (message: HubMessage) => void
  /** Calls back when a page is gone, however it went. */
  readonly watchPage: (page: string, onGone: () => void) => void
  /** Nothing is left to do. */
  readonly onEmpty: () => void
}

export function createHub({ url, openSocket, cast, watchPage, onEmpty }: HubOptions): Hub {
  const id = createId()
  /** The open sockets of tabs. */
  const sockets = new Set<string>()
  /** Their numbers on the connection, from their first text on: the relay wants the first texts in the order of numbers. */
  const numbers = new Map<string, number>()
  const numbered = new Map<number, string>()
  const pages = new Map<string, Set<string>>()
  let count = 0
  let connection: Socket | undefined
  let isOpen = false
  let heardAt = 0

  function connect(): void {
    heardAt = performance.now()
    connection = openSocket(url, {
      onOpen() {
        isOpen = true
        cast({ type: 'connected', hub: id })
        for (const socket of sockets) cast({ type: 'opened', hub: id, socket, clients: sockets.size })
      },
      onText,
      onHelloNeeded: () => undefined,
      onClose: lose,
    })
  }

  /** A message of the relay: numbers of tabs, a space, and texts. */
  function onText(message: string): void {
    heardAt = performance.now()
    const end = message.indexOf(' ')
    const known = message
      .slice(0, end)
      .split(',')
      .flatMap((number) => numbered.get(Number(number)) ?? [])
    if (known.length > 0) cast({ type: 'texts', hub: id, sockets: known, texts: message.slice(end + 1) })
  }

  function open(socket: string, page: string): void {
    if (!pages.has(page)) watchPage(page, () => forget(page))
    pages.set(page, (pages.get(page) ?? new Set()).add(socket))
    sockets.add(socket)
    if (isOpen) cast({ type: 'opened', hub: id, socket, clients: sockets.size })
    else if (!connection) connect()
  }

  function numberOf(socket: string): number {
    const known = numbers.get(socket)
    if (known !== undefined) return known
    count += 1
    numbers.set(socket, count)
    numbered.set(count, socket)
    return count
  }

  function send(socket: string, text: string): void {
    if (isOpen && sockets.has(socket)) connection?.send(`${numberOf(socket)} ${text}`)
  }

  function forget(page: string): void {
    const left = [...(pages.get(page) ?? [])]
    pages.delete(page)
    for (const socket of left) close(socket)
    // A page that lost its lock, but is there, connects again.
    cast({ type: 'closed', hub: id, sockets: left, code: CloseCode.Abnormal, reason: 'this page is gone' })
  }

  function close(socket: string, silence = 0): void {
    if (!sockets.delete(socket)) return
    const number = numbers.get(socket)
    numbers.delete(socket)
    if (number !== undefined) numbered.delete(number)
    for (const own of pages.values()) own.delete(socket)
    // The tab got no answer, and no frame arrived for any other tab: the connection is dead for all.
    if (silence > 0 && performance.now() - heardAt >= silence) drop(CloseCode.Abnormal, 'no answer')
    else if (isOpen && number !== undefined) connection?.send(String(number))
    if (sockets.size > 0) return present()
    drop(CloseCode.Normal, '')
    onEmpty()
  }

  function present(): void {
    cast({ type: 'present', hub: id, clients: sockets.size })
  }

  function drop(code: number, reason: string): void {
    connection?.close()
    lose(code, reason)
  }

  function lose(code: number, reason: string): void {
    connection = undefined
    isOpen = false
    const lost = [...sockets]
    for (const known of [sockets, numbers, numbered]) known.clear()
    for (const own of pages.values()) own.clear()
    if (lost.length > 0) cast({ type: 'closed', hub: id, sockets: lost, code, reason })
  }

  return {
    id,
    get size() {
      return sockets.size
    },
    receive(message) {
      switch (message.type) {
        case 'open':
          return open(message.socket, message.page)
        case 'send':
          return message.hub === id ? send(message.socket, message.text) : undefined
        case 'close':
          return close(message.socket, message.silence)
        default:
          present()
      }
    },
    close: () => drop(CloseCode.TooSlow, 'another tab has the connection'),
  }
}
