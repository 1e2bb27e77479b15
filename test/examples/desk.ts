import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'

/** How one request is treated. */
export type Serve = (request: Received, response: ServerResponse) => void | Promise<void>

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Stands between a backend and the relay, and treats each request in its turn as it is told. */
export async function openDesk(...turns: Serve[]): Promise<{ readonly url: string; readonly seen: Received[] }> {
  const seen: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const received = { path: request.url ?? '', headers: request.headers, body: String(Buffer.concat(chunks)) }
    const turn = turns[seen.push(received) - 1] ?? answer(500, 'Nobody expected this request.')
    await turn(received, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

/** Passes a request on to the relay at an address. */
async function ask(page: string, { path, headers, body }: Received): Promise<Response> {
  const wanted = ['authorization', 'content-type', 'idempotency-key']
  const kept = wanted.map((name): [string, string] => [name, String(headers[name])])
  return fetch(new URL(path, page), { method: 'POST', body, headers: kept })
}

export function forwardTo(page: () => string): Serve {
  return async (received, response) => {
    const reply = await ask(page(), received)
    response.writeHead(reply.status).end(await reply.text())
  }
}

/** The relay has the signal, and the connection breaks before the answer. */
export function forwardAndDrop(page: () => string): Serve {
  return async (received, response) => {
    expect((await ask(page(), received)).status).toBe(200)
    response.destroy()
  }
}

/** The relay has the signal, and no answer ever comes. */
export function forwardAndHang(page: () => string): Serve {
  return async (received) => {
    expect((await ask(page(), received)).status).toBe(200)
  }
}

export function answer(status: number, body: string, headers = {}): Serve {
  return (_, response) => void response.writeHead(status, headers).end(body)
}
