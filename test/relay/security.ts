import { connect as connectTcp } from 'node:net'
import { request, type IncomingHttpHeaders } from 'node:http'
import { SignJWT, type JWTPayload } from 'jose'
import { onTestFinished } from 'vitest'
import type { Logger } from '../../examples/relay/logger.js'

export const SECRET = 'correct-horse-battery-staple-0123'

/** A token of the relay's own secret, good for ten minutes unless its claims say otherwise. */
export function sign(claims: JWTPayload = {}, secret = SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const whole = { iat: now - 60, exp: now + 600, ...claims }
  return new SignJWT(whole).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
}

/** Asks for a WebSocket as a page on this machine does, unless the headers say otherwise. */
export function knock(
  port: number,
  headers: Readonly<Record<string, string>> = {},
  path = '/signals',
): Promise<{ readonly status: number | undefined; readonly headers: IncomingHttpHeaders }> {
  const asked = {
    Host: `127.0.0.1:${port}`,
    Origin: 'http://localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  }
  return new Promise((resolve, reject) => {
    const asking = request({ port, host: '127.0.0.1', path, headers: asked, agent: false })
    asking.on('error', reject)
    asking.on('upgrade', (answer, socket) => {
      onTestFinished(() => void socket.destroy())
      resolve({ status: answer.statusCode, headers: answer.headers })
    })
    asking.on('response', (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode, headers: answer.headers })
    })
    asking.end()
  })
}

/** Says something over TCP, bit by bit if there are several, and gives what came until the other side ended. */
export function sayRaw(port: number, bits: readonly string[], every = 0): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    const left = [...bits]
    let answer = ''
    const writing = setInterval(() => {
      const bit = left.shift()
      if (bit !== undefined) socket.write(bit)
    }, every)
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(writing)
      resolve(answer)
    })
  })
}

/** A logger that keeps what it is told. */
export function createRecorder() {
  const lines: { readonly level: string; readonly fields: unknown; readonly text: string }[] = []
  const record = (level: string) => (fields: unknown, text: string) => void lines.push({ level, fields, text })
  const logger: Logger = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }
  return { lines, logger }
}
