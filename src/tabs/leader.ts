import type { OpenSocket } from '../connection/socket.js'
import type { Carrier, CarrierOptions } from './group.js'
import { createHub, type Hub } from './hub.js'
import { type HubMessage, isFromTab, type TabMessage } from './messages.js'
import { holdLock, untilAborted } from './lock.js'

export interface LeaderOptions extends CarrierOptions {
  /** Pages with the same name share one connection. */
  readonly name: string
  readonly url: string
  readonly openSocket: OpenSocket
}

/**
 * One of the tabs, which has a Web Lock, is the hub. The browser gives the lock to the next tab when that one closes or
 * crashes, and this page gives it up when it is frozen or goes to the back/forward cache.
 */
export function openLeaderCarrier({
  name,
  url,
  page,
  openSocket,
  receive,
  onLeft,
  onUnsupported,
}: LeaderOptions): Carrier {
  const channel = new BroadcastChannel(name)
  const left = new AbortController()
  const { signal } = left
  let queue = new AbortController()
  let hub: Hub | undefined
  let isResting = false

  function cast(message: HubMessage): void {
    channel.postMessage(message)
    // A channel does not hear itself. Sockets report nothing while they are being opened.
    queueMicrotask(() => signal.aborted || receive(message))
  }

  function lead(): Promise<void> {
    hub = createHub({
      url,
      openSocket,
      cast,
      watchPage(watched, onGone) {
        const free = (): void => void (signal.aborted || onGone())
        if (watched !== page) navigator.locks.request(`${name} ${watched}`, { signal }, free).catch(() => undefined)
      },
      onEmpty: leaveIfIdle,
    })
    cast({ type: 'ready', hub: hub.id })
    return untilAborted(signal)
  }

  function request(options: LockOptions): void {
    navigator.locks.request(name, options, lead).catch((error: DOMException) => {
      if (signal.aborted) return
      if (error.name !== 'AbortError') return giveUp()
      // A tab took the lock of this page, which did not answer.
      if (hub) resign()
    })
  }

  function queueUp(): void {
    queue = new AbortController()
    request({ signal: queue.signal })
  }

  function resign(): void {
    hub?.close()
    hub = undefined
    queueUp()
  }

  function giveUp(): void {
    leave()
    onUnsupported()
  }

  function leaveIfIdle(): void {
    if (isResting && !hub?.size) leave()
  }

  function leave(): void {
    if (signal.aborted) return
    hub?.close()
    queue.abort()
    left.abort()
    channel.close()
    onLeft()
  }

  channel.onmessage = ({ data }: MessageEvent<TabMessage | HubMessage>) => {
    if (!isFromTab(data)) receive(data)
    else hub?.receive(data)
  }
  const isKnown = holdLock(`${name} ${page}`, signal)
  queueUp()
  // A page in the cache would keep the lock, and answer nothing.
  for (const type of ['pagehide', 'freeze']) globalThis.addEventListener?.(type, leave, { capture: true, signal })

  return {
    get place() {
      return hub ? 'this-tab' : 'other-tab'
    },
    async post(message) {
      isResting = message.type === 'close' && isResting
      await isKnown
      // A hub does not ask itself: the other tabs would hear its answers.
      if (!hub && !signal.aborted) channel.postMessage(message)
      else if (message.type !== 'probe') hub?.receive(message)
    },
    replaceHub() {
      if (hub) return
      queue.abort()
      request({ steal: true })
    },
    rest() {
      isResting = true
      queueMicrotask(() => isResting && leaveIfIdle())
    },
  }
}
