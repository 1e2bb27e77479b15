import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { PATIENCE } from './fixtures.js'

/** Starts a program that stays in the foreground, waits until it answers on a port, and ends it after the test. */
export async function startProxy(program: string, args: readonly string[], port: number): Promise<void> {
  // A process group of its own: Apache ends all processes of its group.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += String(bytes)))
  const exit = once(child, 'exit')
  onTestFinished(async () => {
    if (child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL')
    await exit
  })
  await vi.waitUntil(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${output}`)
    return (await fetchFrom(port, '/').catch(() => undefined)) !== undefined
  }, PATIENCE)
}

export interface Reply {
  readonly status: number
  readonly body: string
}

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The visitor's address. */
  readonly from?: string
}

/** Sends a request from an address, on a connection of its own. Accepted upgrades are closed at once. */
export function fetchFrom(port: number, path: string, { body, from, ...question }: Question = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { Host: 'example.com', Connection: 'close', ...question.headers }
    const local = from === undefined ? {} : { localAddress: from }
    const asking = request({ host: '127.0.0.1', port, path, agent: false, ...question, headers, ...local })
    asking.on('error', reject)
    asking.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy()
      resolve({ status: statusCode, body: '' })
    })
    asking.on('response', (response) => {
      let text = ''
      response.on('data', (bytes) => (text += String(bytes)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    asking.end(body)
  })
}

/** A server that accepts every WebSocket, stays silent, and records what it gets. */
export interface SilentServer {
  readonly port: number
  readonly headers: IncomingHttpHeaders[]
}

export async function startSilentServer(): Promise<SilentServer> {
  const headers: IncomingHttpHeaders[] = []
  const server = createServer((incoming, response) => {
    headers.push(incoming.headers)
    response.end()
  })
  const webSockets = new WebSocketServer({ server })
  webSockets.on('connection', (_, incoming) => headers.push(incoming.headers))
  onTestFinished(() => {
    for (const client of webSockets.clients) client.terminate()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, headers }
}
