import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createSignalClient } from '../../src/index.js'
import type { ClientFrame, RelayFrame } from '../../src/protocol/frames.js'

/** How long each relay may try (ms). */
const ATTACK = 3000
/** The most frames of one type, and calls of the token function; an unbounded loop causes thousands. */
const BOUND = 40

const WELCOME = { type: 'welcome', v: 1, tab: 'me', beat: 25_000, maxBytes: 65_536, window: 900_000 } as const

interface Connection {
  say(...frames: RelayFrame[]): void
  close(code: number): void
  /** Calls again and again, as fast as the socket takes frames. */
  repeat(attack: (count: number) => void): void
}

type Attack = (frame: ClientFrame, connection: Connection) => void

const joined = (offset: number): RelayFrame => {
  return { type: 'joined', room: 'main', epoch: 'e1', offset, head: offset, recovered: true }
}

/** A relay that closes each connection with this code after its welcome. */
function closeAfterWelcome(code: number): Attack {
  return ({ type }, { say, close }) => {
    if (type !== 'hello') return
    say(WELCOME, { type: 'goodbye', retryAfter: 0, reason: '' })
    close(code)
  }
}

const ATTACKS: readonly [what: string, attack: Attack][] = [
  [
    'skips offsets after each join',
    ({ type }, { say }) => {
      if (type === 'hello') say(WELCOME)
      if (type !== 'hello' && type !== 'join') return
      say(joined(1), { type: 'signal', id: '', signal: 'A', room: 'main', offset: 9, at: 1, sender: {} })
    },
  ],
  [
    'refuses the room after each welcome, and repeats its welcome',
    ({ type }, { say, repeat }) => {
      if (type !== 'hello') return
      repeat(() => say(WELCOME, { type: 'refused', room: 'main', code: 'denied', text: '' }))
    },
  ],
  [
    'names another user in each welcome',
    ({ type }, { say, repeat }) => {
      if (type === 'hello') repeat((count) => say({ ...WELCOME, user: `user ${count}` }, joined(1)))
    },
  ],
  [
    'lets tokens expire at once, and promises a beat every 0 ms',
    ({ type }, { say }) => {
      if (type === 'hello' || type === 'token') say({ ...WELCOME, beat: 0, expiresIn: 1 })
      if (type === 'ping') say({ type: 'pong' })
    },
  ],
  ['accepts the token and then refuses it', closeAfterWelcome(4401)],
  ['restarts after each welcome', closeAfterWelcome(4503)],
  ['finds each page too slow', closeAfterWelcome(4508)],
  ['breaks each connection', closeAfterWelcome(1011)],
  [
    'says goodbye, and accepts and refuses what nobody sent',
    ({ type }, { say, repeat }) => {
      if (type !== 'hello') return
      const refused = { type: 'refused', id: 'none', code: 'denied', text: '' } as const
      say(WELCOME, joined(1))
      repeat(() => say({ type: 'accepted', ids: ['none'] }, refused, { type: 'goodbye', retryAfter: 0, reason: '' }))
    },
  ],
]

it.each(ATTACKS)('S79 a client keeps calm with a relay that %s', async (_what, attack) => {
  vi.stubGlobal('WebSocket', WebSocket)
  onTestFinished(() => void vi.unstubAllGlobals())
  const { port, counts } = await startHostileRelay(attack)
  let tokens = 0
  const page = createSignalClient({
    url: `ws://127.0.0.1:${port}/signals`,
    connect: 'manual',
    token: () => {
      tokens += 1
      return 'token'
    },
    onError: () => undefined,
  })
  onTestFinished(() => page.close())
  page.receiveSignal('A', () => undefined)

  page.connect()
  await vi.waitFor(() => expect(counts.get('hello')).toBeGreaterThan(0), { timeout: 20_000 })
  await sleep(ATTACK)

  expect([...counts].filter(([, count]) => count > BOUND)).toEqual([])
  expect(tokens).toBeLessThanOrEqual(BOUND)
})

async function startHostileRelay(attack: Attack) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  await once(server, 'listening')
  const counts = new Map<string, number>()
  server.on('connection', (socket) => {
    const connection: Connection = {
      say: (...frames) => frames.forEach((frame) => socket.send(JSON.stringify(frame))),
      close: (code) => socket.close(code),
      repeat(again) {
        let count = 0
        const next = (): void => {
          if (socket.readyState !== WebSocket.OPEN) return
          again(count)
          count += 1
          setImmediate(next)
        }
        next()
      },
    }
    socket.on('message', (bytes: Buffer) => {
      const frame = JSON.parse(bytes.toString()) as ClientFrame
      counts.set(frame.type, (counts.get(frame.type) ?? 0) + 1)
      attack(frame, connection)
    })
  })
  return { port: (server.address() as AddressInfo).port, counts }
}
