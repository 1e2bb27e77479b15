import { openSocket } from '../connection/socket.js'
import { createHub, type Hub } from './hub.js'
import type { HubMessage, WorkerMessage } from './messages.js'
import { holdLock } from './lock.js'

/** The members of a SharedWorker's scope that the compiler does not know. */
interface WorkerScope {
  onconnect: (event: MessageEvent) => void
}

/** The pages of this worker. Browsers do not say when one of them is gone: the hub waits for its lock. */
const ports = new Map<string, MessagePort>()
let hub: Hub | undefined
/** Resolves when the worker holds its lock: a page that gets it takes the worker for gone. */
let isKnown: Promise<void>

function cast(message: HubMessage): void {
  for (const port of ports.values()) port.postMessage(message)
}

function createWorkerHub(name: string, url: string): Hub {
  const created = createHub({
    url,
    openSocket,
    cast,
    watchPage(page, onGone) {
      void navigator.locks.request(`${name} ${page}`, () => {
        ports.delete(page)
        onGone()
      })
    },
    onEmpty: () => undefined,
  })
  // As long as the worker lives.
  isKnown = holdLock(`${name} ${created.id}`, new AbortController().signal)
  return created
}

const scope = globalThis as unknown as WorkerScope
scope.onconnect = ({ ports: [port] }) => {
  if (!port) return
  port.onmessage = async ({ data }: MessageEvent<WorkerMessage>) => {
    if (data.type === 'leave') ports.delete(data.page)
    else if (data.type !== 'join') hub?.receive(data)
    else {
      ports.set(data.page, port)
      hub ??= createWorkerHub(data.name, data.url)
      await isKnown
      port.postMessage({ type: 'ready', hub: hub.id })
    }
  }
}
