import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SignJWT, type JWTPayload } from 'jose'
import { WebSocket } from 'ws'
import { createSignalClient, type ClientOptions, type SignalClient } from '../../src/index.js'
import { httpFallback } from '../../src/fallback/index.js'
import { type Blocking, startBlockingProxy } from '../support/blocking-proxy.js'
import { startRelay } from './protocol-client.js'

const WAITING = { timeout: 30_000, interval: 20 }

const SECRET = 'a-secret-of-thirty-two-characters!!'

function sign(claims: JWTPayload): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const token = new SignJWT({ iat: now, ...claims }).setProtectedHeader({ alg: 'HS256' })
  return token.sign(new TextEncoder().encode(SECRET))
}

function openPage(port: number, options: Pick<ClientOptions, 'token' | 'onError'> = {}): SignalClient {
  const client = createSignalClient({
    url: `ws://127.0.0.1:${port}/signals`,
    connect: 'manual',
    since: 'now',
    transport: httpFallback,
    ...options,
  })
  onTestFinished(() => client.close())
  client.connect()
  return client
}

async function startProxy(target: number, blocking: Blocking, bufferBytes = 0) {
  const proxy = await startBlockingProxy(() => target, blocking, bufferBytes)
  onTestFinished(() => proxy.close())
  return proxy
}

const online = (client: SignalClient) => vi.waitFor(() => expect(client.status.state).toBe('online'), WAITING)

beforeEach(() => void vi.stubGlobal('WebSocket', WebSocket))
afterEach(() => void vi.unstubAllGlobals())

describe('a page behind a proxy that blocks WebSockets', () => {
  it.each<Blocking>(['answers 200', 'answers 403', 'hangs', 'cuts', 'cuts after 101', 'swallows after 101'])(
    'P14.5 P14.7 sends and receives through one that %s',
    async (blocking) => {
      const { port } = await startRelay({ open: true })
      const proxy = await startProxy(port, blocking)
      const [sender, receiver] = [openPage(proxy.port), openPage(proxy.port)]
      const received: unknown[] = []
      receiver.receiveSignal('Saved', (data) => void received.push(data))
      await Promise.all([sender, receiver].map(online))
      const results = await Promise.all([1, 2, 3].map((data) => sender.sendSignal('Saved', data)))
      expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted'])
      await vi.waitFor(() => expect(received).toEqual([1, 2, 3]), WAITING)
      expect(proxy.requests.handshakes).toBeGreaterThan(0)
    },
  )

  it('P14.8 asks again and again where a proxy buffers 64 kB', async () => {
    const { port } = await startRelay({ open: true })
    const proxy = await startProxy(port, 'answers 403', 65_536)
    const [sender, receiver] = [openPage(proxy.port), openPage(proxy.port)]
    const received: unknown[] = []
    receiver.receiveSignal('Saved', (data) => void received.push(data))
    await Promise.all([sender, receiver].map(online))
    for (let number = 0; number < 20; number += 1) {
      expect((await sender.sendSignal('Saved', number)).outcome).toBe('accepted')
    }
    await vi.waitFor(() => expect(received).toEqual(Array.from({ length: 20 }, (_, index) => index)), WAITING)
  })

  it.each([0, 65_536])('P14.6 joins and leaves rooms later (a proxy that buffers %i bytes)', async (bufferBytes) => {
    const { port } = await startRelay({ open: true })
    const proxy = await startProxy(port, 'answers 403', bufferBytes)
    const page = openPage(proxy.port)
    const received: unknown[] = []
    const note = (data: unknown): void => void received.push(data)
    const stop = page.receiveSignal('Saved', note, { room: 'first' })
    await online(page)
    await page.sendSignal('Saved', 1, { room: 'first' })
    await vi.waitFor(() => expect(received).toEqual([1]), WAITING)
    stop()
    page.receiveSignal('Saved', note, { room: 'second' })
    await page.sendSignal('Saved', 2, { room: 'second' })
    await page.sendSignal('Saved', 3, { room: 'first' })
    await page.sendSignal('Saved', 4, { room: 'second' })
    await vi.waitFor(() => expect(received).toEqual([1, 2, 4]), WAITING)
  })

  it('renews its token, and stays online', async () => {
    const { port } = await startRelay({ authSecret: [SECRET] })
    const proxy = await startProxy(port, 'answers 403', 65_536)
    const tokens: string[] = []
    const token = async (): Promise<string> => {
      tokens.push(await sign({ sub: 'ann', exp: Math.floor(Date.now() / 1000) + 12 }))
      return tokens.at(-1) ?? ''
    }
    const page = openPage(proxy.port, { token })
    const states: string[] = []
    page.onStatus(({ state }) => void states.push(state))
    const users: unknown[] = []
    page.receiveSignal('Saved', (_data, { sender }) => void users.push(sender.user))
    await online(page)
    await vi.waitFor(() => expect(tokens.length).toBeGreaterThan(1), WAITING)
    expect((await page.sendSignal('Saved', 1)).outcome).toBe('accepted')
    await vi.waitFor(() => expect(users).toEqual(['ann']), WAITING)
    expect(states.filter((state) => state === 'online')).toEqual(['online'])
  })

  it('reports a refused room once, though each answer refuses it again', async () => {
    const { port } = await startRelay({ authSecret: [SECRET] })
    const proxy = await startProxy(port, 'answers 403', 65_536)
    const errors: string[] = []
    const token = await sign({ sub: 'ann', rooms: ['main'], exp: Math.floor(Date.now() / 1000) + 600 })
    const page = openPage(proxy.port, { token, onError: ({ message }) => void errors.push(message) })
    const received: unknown[] = []
    page.receiveSignal('Saved', (data) => void received.push(data))
    page.receiveSignal('Saved', () => {}, { room: 'secret' })
    await online(page)
    for (const number of [1, 2, 3]) {
      await page.sendSignal('Saved', number)
      await vi.waitFor(() => expect(received).toHaveLength(number), WAITING)
    }
    expect(errors).toEqual(['The relay refused room secret: denied You may not join this room.'])
  })

  it('sends large and many signals in order, and reports one that is too large', async () => {
    const { port } = await startRelay({ open: true, maxBytes: 4096, rate: 0 })
    const proxy = await startProxy(port, 'answers 403')
    const [sender, receiver] = [openPage(proxy.port), openPage(proxy.port)]
    const received: number[] = []
    receiver.receiveSignal('Saved', (data) => void received.push((data as { number: number }).number))
    await Promise.all([sender, receiver].map(online))
    const numbers = Array.from({ length: 60 }, (_, number) => number)
    const results = await Promise.all(
      numbers.map((number) => sender.sendSignal('Saved', { number, text: 'ü'.repeat(number % 2 ? 1900 : 10) })),
    )
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']))
    await vi.waitFor(() => expect(received).toEqual(numbers), WAITING)
  })

  it('ends as forbidden, with the remedy, where the relay refuses the origin', async () => {
    const { port } = await startRelay()
    const proxy = await startProxy(port, 'answers 403')
    const page = openPage(proxy.port, { onError: () => {} })
    await vi.waitFor(() => expect(page.status).toMatchObject({ state: 'closed', reason: 'forbidden' }), WAITING)
    const { error } = page.status as { readonly error?: Error }
    expect(error?.message).toContain('--origin')
  })
})
