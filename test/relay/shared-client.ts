import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { converse, sayHello, type ConnectOptions, type Conversation, type WireEvents } from './protocol-client.js'

/** A browser whose tabs share one connection, and say exactly what a test tells them to. */
export interface SharedClient {
  readonly socket: WebSocket
  /** The messages of the relay, as they came. */
  readonly messages: string[]
  /** Opens the connection of a tab, which says hello. */
  openTab(options?: Pick<ConnectOptions, 'rooms' | 'token'>): Conversation
}

export async function connectShared(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<SharedClient> {
  const socket = new WebSocket(`${url}?shared`, { origin: 'http://localhost:8080', headers })
  onTestFinished(() => socket.terminate())
  const tabs = new Map<number, WireEvents>()
  const messages: string[] = []
  let count = 0
  socket.on('error', () => {})
  socket.on('message', (bytes: Buffer) => {
    const message = bytes.toString()
    messages.push(message)
    const [head = ''] = message.split(' ', 1)
    for (const number of head.split(',')) tell(Number(number), message.slice(head.length + 1).split('\n'))
  })
  socket.on('close', (code, reason) => {
    for (const events of tabs.values()) events.onClose(code, reason.toString())
    tabs.clear()
  })

  function tell(number: number, texts: readonly string[]): void {
    for (const text of texts) {
      const frame = JSON.parse(text) as { type: string; code: number; reason: string }
      if (frame.type !== 'close') tabs.get(number)?.onText(text)
      else {
        tabs.get(number)?.onClose(frame.code, frame.reason)
        tabs.delete(number)
      }
    }
  }

  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    socket,
    messages,
    openTab({ rooms = ['main'], token } = {}) {
      const number = (count += 1)
      const tab = converse((events) => {
        tabs.set(number, events)
        return {
          send: (text) => socket.send(`${number} ${String(text)}`),
          cut() {
            tabs.delete(number)
            socket.send(String(number))
            events.onClose(1000, '')
          },
        }
      })
      sayHello(tab, { rooms, token })
      return tab
    },
  }
}
