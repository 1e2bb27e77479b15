import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The script-tag build, under test. */
/** @param file A file beside the script-tag build. */
export function readUmd(file = 'signalpost'): Promise<string> {
  return readFile(new URL(`../../dist/umd/${file}.min.js`, import.meta.url), 'utf8')
}

export interface StaticServer {
  /** The address of `/`. */
  readonly page: string
  readonly port: number
  readonly http: Server
  close(): Promise<void>
}

/** Serves texts by path, 404 for everything else, WebSockets included. What `first` answers, it answers by itself. */
export async function serve(
  files: Readonly<Record<string, string>>,
  headers = {},
  first: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<StaticServer> {
  const http = createServer((request, response) => {
    if (first(request, response)) return
    const path = request.url?.split('?')[0] ?? '/'
    const text = files[path]
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.writeHead(text === undefined ? 404 : 200, { 'Content-Type': `${type}; charset=utf-8`, ...headers })
    response.end(text ?? 'There is nothing here.')
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    page: `http://localhost:${port}/`,
    port,
    http,
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}
