import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startRelay } from './protocol-client.js'

describe('a request', () => {
  it('that breaks off in the middle of its body is no error of the relay', async () => {
    const error = vi.fn()
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error }
    const { port, page } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }], logger })
    const socket = connectTcp(port, '127.0.0.1')
    await once(socket, 'connect')
    const head = 'POST /publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n'
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"signal":`)
    // Answered after the relay has read what came before it.
    await fetch(`${page}health`)
    socket.resetAndDestroy()
    await fetch(`${page}health`)
    await new Promise((resolve) => setImmediate(resolve))
    expect(error).not.toHaveBeenCalled()
  })

  it('whose body never ends is held for an address as often as it may have connections, then gets 429', async () => {
    const { port } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 2 })
    const leave = (address: string) => post(port, `X-Forwarded-For: ${address}\r\nContent-Length: 1000`, '{"v":1')
    const [first, second] = [leave('203.0.113.7'), leave('203.0.113.7')]
    await Promise.all([first.sent, second.sent])
    await roundTrip(port)
    const third = leave('203.0.113.7')
    expect(await third.answer()).toMatch(/^HTTP\/1\.1 429 [^]*Retry-After: 5[^]*Send this again later\./)
    expect([first.heard(), second.heard()]).toEqual(['', ''])
    first.socket.destroy()
    await vi.waitFor(async () => {
      const next = post(port, 'X-Forwarded-For: 203.0.113.7\r\nContent-Length: 2', '{}')
      expect(await next.answer()).toMatch(/^HTTP\/1\.1 400 /)
    })
  })

  it('is held only as long as all of them together are not too much, then it gets 503; backends are not in it', async () => {
    const { port, page } = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }] })
    // 24 MB of which 16 are taken.
    const body = `{"v":1,"tab":"${'x'.repeat(60_000)}`
    const posts = Array.from({ length: 400 }, () => post(port, 'Content-Length: 65000', body))
    await Promise.all(posts.map(({ sent }) => sent))
    const refused = () => posts.filter(({ heard }) => heard().startsWith('HTTP/1.1 503')).length
    await vi.waitFor(() => expect(refused()).toBeGreaterThan(100), 20_000)
    const publish = await fetch(`${page}publish`, {
      method: 'POST',
      headers: { Authorization: 'Bearer s3cret', 'Content-Type': 'application/json' },
      body: '{"signal": "Saved"}',
    })
    expect([publish.status, refused() < 200]).toEqual([200, true])
    for (const { socket } of posts) socket.destroy()
    await vi.waitFor(async () => {
      expect(await post(port, 'Content-Length: 2', '{}').answer()).toMatch(/^HTTP\/1\.1 400 /)
    })
  })

  it('for the WebSocket that does not ask for one is told so, whoever asks', async () => {
    const { page } = await startRelay()
    const response = await fetch(`${page}signals`)
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
  })

  it.each(['/health', '/publish', '/metrics', '/dashboard', '/dashboard/x', '/revoke', '/ready', 'signals'])(
    'cannot mean both the WebSocket and %s',
    async (path) => {
      await expect(startRelay({ path })).rejects.toThrow('path must be a path like /signals')
    },
  )
})

/** Leaves something behind as a page does, with a body that may not be whole. */
function post(port: number, headers: string, body: string) {
  const socket = connectTcp(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let heard = ''
  socket.on('error', () => {})
  socket.on('data', (bytes) => (heard += String(bytes)))
  const head = 'POST /signals HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: text/plain'
  const sent = new Promise((resolve) => socket.write(`${head}\r\n${headers}\r\n\r\n${body}`, resolve))
  const answer = () => vi.waitUntil(() => heard.includes('\r\n\r\n') && heard, 20_000)
  return { socket, sent, answer, heard: () => heard }
}

/** Answered after the relay has read what came before. */
async function roundTrip(port: number): Promise<void> {
  for (let count = 0; count < 3; count += 1) await (await fetch(`http://127.0.0.1:${port}/health`)).text()
}
