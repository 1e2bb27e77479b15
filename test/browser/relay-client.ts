import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { expect } from 'vitest'
import type { ClientFrame, JsonValue, RelayFrame, SignalFrame } from '../../src/protocol/frames.js'
import { PATIENCE } from './chromium.js'

/** Another one at the relay, with nothing of the SDK in it: it sees what the relay's log holds, doubles included. */
export interface RelayClient {
  /** All signals of the main room since it came, in order. */
  readonly heard: readonly SignalFrame[]
  /** Resolves when the relay has accepted it. */
  send(name: string, data: JsonValue): Promise<void>
  close(): void
}

export async function connectToRelay(url: string): Promise<RelayClient> {
  const socket = new WebSocket(url, { origin: 'http://localhost' })
  const heard: SignalFrame[] = []
  const accepted = new Set<string>()
  let isJoined = false
  const say = (frame: ClientFrame): void => socket.send(JSON.stringify(frame))

  socket.on('message', (bytes) => {
    const frame = JSON.parse(String(bytes)) as RelayFrame
    if (frame.type === 'signal') heard.push(frame)
    if (frame.type === 'accepted') for (const id of frame.ids) accepted.add(id)
    if (frame.type === 'joined') isJoined = true
  })
  await once(socket, 'open')
  say({ type: 'hello', v: 1, tab: createId(), rooms: [{ room: 'main' }] })
  await expect.poll(() => isJoined, { timeout: PATIENCE }).toBe(true)

  return {
    heard,
    async send(name, data) {
      const id = createId()
      say({ type: 'signal', id, signal: name, data })
      await expect.poll(() => accepted.has(id), { timeout: PATIENCE, interval: 10 }).toBe(true)
    },
    close: () => socket.terminate(),
  }
}

function createId(): string {
  return randomBytes(16).toString('base64url')
}
