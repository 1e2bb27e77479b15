import type { OpenSocket } from '../connection/socket.js'
import { call } from '../page/dom.js'
import type { SharedSockets } from './group.js'
import { shareSockets } from './shared-socket.js'

export { getSharing, onSharing } from './sharing.js'
export { oncePerBrowser } from './once-per-browser.js'
export { sharedFetch } from './fetch/shared-fetch.js'

/** Uses the SharedWorker that the attribute `data-worker` of the script tag names. */
export function wrapSocket(openSocket: OpenSocket): SharedSockets {
  const tag = call(document, 'querySelector', 'script[data-shared][data-worker]') as HTMLElement | null
  return shareSockets(openSocket, tag?.dataset.worker)
}
