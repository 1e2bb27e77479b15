import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
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
