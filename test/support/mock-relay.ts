import { Server, WebSocket as MockWebSocket } from 'mock-socket'
import { vi } from 'vitest'
import type { ClientFrame, RelayFrame, SignalFrame } from '../../src/protocol/frames.js'

type MockSocket = Parameters<Parameters<Server['on']>[1]>[0] & {
  close(options?: { code: number; reason: string; wasClean: boolean }): void
}

export interface MockRelayOptions {
  /** Answers hello, join and signal by itself. @default true */
  readonly isAnswering?: boolean
  readonly maxBytes?: number
}

export const RELAY_URL = 'ws://relay.test/signals'

export const WELCOME = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 900_000 } as const

/** A relay on mock-socket, for tests that run on fake time. It keeps no log: what it replays, a test sends. */
export function startMockRelay({ isAnswering = true, maxBytes = WELCOME.maxBytes }: MockRelayOptions = {}) {
  vi.stubGlobal('WebSocket', MockWebSocket)
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('There is no network')))
  const frames: ClientFrame[] = []
  const sockets: MockSocket[] = []
  const offsets = new Map<string, number>()
  const relay = { isAnswering }
  const server = new Server(RELAY_URL, { mock: false })

  server.on('connection', (socket) => {
    sockets.push(socket as MockSocket)
    socket.on('message', (text) => {
      const frame = JSON.parse(String(text)) as ClientFrame
      frames.push(frame)
      if (relay.isAnswering) answer(frame)
    })
  })

  function send(...sent: readonly (RelayFrame | string)[]): void {
    for (const frame of sent) sockets.at(-1)?.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  function answer(frame: ClientFrame): void {
    if (frame.type === 'hello') {
      send({ ...WELCOME, maxBytes })
      for (const { room } of frame.rooms) join(room)
    } else if (frame.type === 'join') join(frame.room)
    else if (frame.type === 'ping') send({ type: 'pong' })
    else if (frame.type === 'signal') send({ type: 'accepted', ids: [frame.id] })
  }

  function join(room: string): void {
    const offset = offsets.get(room) ?? 0
    send({ type: 'joined', room, epoch: 'e1', offset, head: offset, recovered: true })
  }

  /** The next signal of a room, as another page would have sent it. */
  function signal(name: string, more: Partial<SignalFrame> = {}): SignalFrame {
    const room = more.room ?? 'main'
    const offset = (offsets.get(room) ?? 0) + 1
    offsets.set(room, offset)
    return {
      type: 'signal',
      id: `id-${room}-${offset}`,
      signal: name,
      room,
      offset,
      at: 1,
      sender: { tab: 'you' },
      ...more,
    }
  }

  return Object.assign(relay, {
    frames,
    sockets,
    send,
    signal,
    /** Every frame of a type that pages sent, in order. */
    sent<Type extends ClientFrame['type']>(type: Type): Extract<ClientFrame, { type: Type }>[] {
      return frames.filter((frame): frame is Extract<ClientFrame, { type: Type }> => frame.type === type)
    },
    deliver: (name: string, more?: Partial<SignalFrame>) => send(signal(name, more)),
    close: (code: number, reason = '') => sockets.at(-1)?.close({ code, reason, wasClean: true }),
    stop: () => server.stop(),
  })
}

/** Lets everything happen that is due within some milliseconds of fake time. */
export async function pass(milliseconds = 50): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds)
}
