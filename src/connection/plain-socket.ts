import { decodeRelayFrame, parse } from '../protocol/codec.js'
import { stringify } from '../protocol/stringify.js'
import type { ClientFrame, RelayFrame } from '../protocol/frames.js'
import { DEFAULT_MAX_BYTES, DEFAULT_ROOM } from '../protocol/names.js'
import { openSocket, type Socket, type SocketEvents } from './socket.js'

const NEVER = 1e15

/**
 * Opens a socket to a server that only broadcasts JSON, and answers the client in place of a relay. Ids on the wire begin
 * with the secret of the page: by the secret, the page recognizes its own signals.
 */
export function openPlainSocket(url: string, events: SocketEvents): Socket {
  let tab = ''
  let isLive = true

  function answerTo(frame: ClientFrame): RelayFrame {
    switch (frame.type) {
      case 'signal':
        socket.send(stringify({ ...frame, id: tab + frame.id, pipelined: undefined }))
        return { type: 'accepted', ids: [frame.id] }
      case 'hello':
      case 'token':
        // The token stays here: the server would broadcast it.
        if (frame.type === 'hello') tab = frame.tab
        return { type: 'welcome', v: 1, tab, beat: NEVER, maxBytes: DEFAULT_MAX_BYTES, window: NEVER }
      default:
        return { type: 'pong' }
    }
  }

  const socket = openSocket(url, {
    ...events,
    onText(broadcast) {
      const { id, ...fields } = parse(broadcast) ?? {}
      const [other, own] = typeof id === 'string' ? id.split(tab) : ['']
      const known = own ? { id: own, sender: { tab } } : { id: other }
      const text = stringify({ room: DEFAULT_ROOM, sender: {}, ...fields, ...known, at: Date.now(), offset: 0 })
      if (decodeRelayFrame(text).type === 'signal') events.onText(text)
    },
  })

  return {
    send(text) {
      const answer = stringify(answerTo(JSON.parse(text) as ClientFrame))
      queueMicrotask(() => isLive && events.onText(answer))
    },
    close() {
      isLive = false
      socket.close()
    },
  }
}
