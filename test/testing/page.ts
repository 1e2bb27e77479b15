import { type Conversation, converse } from '../relay/protocol-client.js'

/** Talks over the WebSocket that the environment has at the moment, without the SDK. */
export function openPage(url: string): { readonly page: Conversation; readonly opened: Promise<unknown> } {
  const socket = new WebSocket(url)
  const page = converse(({ onText, onClose }) => {
    socket.addEventListener('message', ({ data }) => onText(data))
    socket.addEventListener('close', ({ code, reason }) => onClose(code, reason))
    return { send: (message) => socket.send(message as string), cut: () => socket.close() }
  })
  return { page, opened: new Promise((resolve) => socket.addEventListener('open', resolve)) }
}
