import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { ResponseSocket } from '../../examples/relay/http/response-socket.js'
import { textFrame } from '../../examples/relay/output/frame.js'
import { createId } from '../../src/protocol/id.js'
import { connect, startRelay } from './protocol-client.js'

interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

const KEY = 'correct-horse-battery'

const JSON_TEXT = { 'content-type': 'text/plain' }

function post(port: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const signal = AbortSignal.timeout(25_000)
  const init = { method: 'POST', body: JSON.stringify(body), headers: { ...JSON_TEXT, ...headers }, signal }
  return fetch(`http://127.0.0.1:${port}/signals`, init)
}

function sayHello(port: number, fields: object = {}, headers = {}): Promise<Response> {
  return post(port, { type: 'hello', v: 1, tab: createId(), rooms: [{ room: 'main' }], ...fields }, headers)
}

function framesOf(text: string): Frame[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Frame)
}

/** Reads a stream until its text satisfies a condition. */
async function readUntil({ body }: Response, isEnough: (frames: readonly Frame[]) => boolean): Promise<Frame[]> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value
    if (isEnough(framesOf(text))) break
  }
  void reader.cancel()
  return framesOf(text)
}

const typesOf = (frames: readonly Frame[]): string[] => frames.map(({ type }) => type)

describe('a hello by HTTP', () => {
  it('P14.1 is answered with the frames of a connection, which no proxy may hold back', async () => {
    const { url, port } = await startRelay({ open: true })
    const answer = await sayHello(port)
    const sender = await connect(url)
    const id = sender.signal('Saved', 'a\nb\r')
    const frames = await readUntil(answer, (all) => all.some(({ type }) => type === 'signal'))
    expect(typesOf(frames)).toEqual(['welcome', 'joined', 'signal'])
    expect(frames.at(-1)).toMatchObject({ id, data: 'a\nb\r' })
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  it('P14.2 ends with the code and the reason of a close frame', async () => {
    const { relay, port } = await startRelay({ open: true, authSecret: ['a-secret-of-thirty-two-characters!!'] })
    const refused = await sayHello(port)
    expect(framesOf(await refused.text())).toEqual([{ type: 'close', code: 4401, reason: expect.any(String) }])
    const malformed = await sayHello(port, { tab: 'short' })
    expect(framesOf(await malformed.text())).toEqual([{ type: 'close', code: 4400, reason: expect.any(String) }])
    await relay.close()
  })

  it('P14.2 ends with a goodbye when the relay shuts down', async () => {
    const { relay, port } = await startRelay({ open: true })
    const answer = await sayHello(port)
    const closed = relay.close()
    const frames = framesOf(await answer.text())
    expect(typesOf(frames)).toEqual(['welcome', 'joined', 'goodbye', 'close'])
    expect(frames.at(-1)).toMatchObject({ code: 4503, reason: 'restart' })
    await closed
  })

  it('P14.3 ends after the greeting, or with the first news, where the page wishes so', async () => {
    const { url, port, page } = await startRelay({ open: true, dashboardKey: KEY })
    const greeting = framesOf(await (await sayHello(port, { wait: 0 })).text())
    expect(typesOf(greeting)).toEqual(['welcome', 'joined', 'close'])
    expect(greeting.at(-1)).toMatchObject({ code: 1000 })
    const { epoch, offset } = greeting[1] as Frame
    const held = sayHello(port, { wait: 25_000, rooms: [{ room: 'main', since: { epoch, offset } }] })
    const sender = await connect(url)
    const id = sender.signal('Saved', 1)
    const news = framesOf(await (await held).text())
    expect(typesOf(news)).toEqual(['welcome', 'joined', 'signal', 'close'])
    expect(news[2]).toMatchObject({ id })
    const metrics = await fetch(`${page}metrics`, { headers: { Authorization: `Bearer ${KEY}` } })
    const figures = await metrics.text()
    expect(figures).toContain('signalpost_closes_total{code="1000"} 2')
    expect(figures).not.toContain('signalpost_refusals_total{')
  })

  it('P14.4 counts as a connection of its address and its user', async () => {
    const { port } = await startRelay({ open: true, trustProxy: 1, maxConnectionsPerAddress: 1, maxConnections: 2 })
    const from = (address: string) => ({ 'x-forwarded-for': address })
    const first = await sayHello(port, {}, from('192.0.2.1'))
    expect((await sayHello(port, {}, from('192.0.2.1'))).status).toBe(429)
    const second = await sayHello(port, {}, from('192.0.2.2'))
    const third = await sayHello(port, {}, from('192.0.2.3'))
    expect(third.status).toBe(503)
    expect(await third.json()).toMatchObject({ error: { code: 'busy' } })
    await first.body?.cancel()
    await second.body?.cancel()
    await vi.waitFor(async () => {
      const health = await fetch(`http://127.0.0.1:${port}/health`)
      expect(await health.json()).toMatchObject({ connections: 0 })
    })
    const again = await sayHello(port, { wait: 0 }, from('192.0.2.1'))
    expect(typesOf(framesOf(await again.text()))).toEqual(['welcome', 'joined', 'close'])
  })

  it('is refused from another origin, with a text that names the remedy', async () => {
    const { port } = await startRelay()
    const answer = await sayHello(port, {}, { origin: 'https://other.example' })
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ error: { code: 'origin' } })
    const allowed = await sayHello(port, { wait: 0 }, { origin: 'http://localhost:8080' })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:8080')
  })

  it('gets a beat when the relay has nothing else to say', async () => {
    const { port } = await startRelay({ open: true, beat: 100 })
    const frames = await readUntil(await sayHello(port), (all) => all.length > 4)
    expect(new Set(typesOf(frames))).toEqual(new Set(['welcome', 'joined', 'beat']))
  })
})

it('P14.2 the last event follows all frames that were sent before, also on a slow network', () => {
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  // Nothing is flushed here: no callback comes.
  const response = Object.assign(new EventEmitter(), { writableLength: 1, write, end: write })
  const socket = new ResponseSocket(response as unknown as ServerResponse)
  for (const type of ['beat', 'goodbye']) socket.output.write(textFrame(JSON.stringify({ type })))
  socket.close(4503, 'restart')
  expect(typesOf(framesOf(written.join('')))).toEqual(['beat', 'goodbye', 'close'])
})
