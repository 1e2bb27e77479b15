import type { Carrier, CarrierOptions } from './group.js'
import type { HubMessage, WorkerMessage } from './messages.js'
import { holdLock } from './lock.js'

/** How long a worker may take to answer (ms): a content policy may block it without an event. */
const PATIENCE = 1500

export interface WorkerOptions extends CarrierOptions {
  /** The address of the worker's file, on the origin of the page. */
  readonly worker: string
  /** Pages with the same name share one connection. */
  readonly name: string
  readonly url: string
}

/** A SharedWorker is the hub: it outlives each of the tabs, but for the one in whose process it runs. */
export function openWorkerCarrier(options: WorkerOptions): Carrier {
  const { worker, name, url, page, receive, onLeft, onUnsupported } = options
  const left = new AbortController()
  const { signal } = left
  const isKnown = holdLock(`${name} ${page}`, signal)
  let port: MessagePort | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function connect(): Promise<void> {
    const shared = new SharedWorker(worker, { name })
    shared.onerror = giveUp
    port = shared.port
    port.onmessage = ({ data }: MessageEvent<HubMessage>) => {
      if (data.type === 'ready') onReady(data.hub)
      receive(data)
    }
    timer = setTimeout(giveUp, PATIENCE)
    await isKnown
    send({ type: 'join', page, name, url })
  }

  function onReady(hub: string): void {
    clearTimeout(timer)
    const onGone = (): void => void (signal.aborted || connect().catch(giveUp))
    navigator.locks.request(`${name} ${hub}`, { signal, mode: 'shared' }, onGone).catch(() => undefined)
  }

  function send(message: WorkerMessage): void {
    if (!signal.aborted) port?.postMessage(message)
  }

  function giveUp(): void {
    if (signal.aborted) return
    leave()
    onUnsupported()
  }

  function leave(): void {
    if (signal.aborted) return
    send({ type: 'leave', page })
    clearTimeout(timer)
    left.abort()
    // A page in the cache would be dropped at the next message.
    port?.close()
    onLeft()
  }

  connect().catch(giveUp)
  for (const type of ['pagehide', 'freeze']) globalThis.addEventListener(type, leave, { capture: true, signal })

  return {
    place: 'worker',
    async post(message) {
      await isKnown
      send(message)
    },
    replaceHub: () => undefined,
    rest: leave,
  }
}
