import { onTestFinished } from 'vitest'
import { type RelayProcess, startGrownRelay } from './relay-process.js'
import { readUmd, serve } from './static-server.js'

export interface HtmlSite {
  readonly relay: RelayProcess
  /** The address of `/`. */
  readonly page: string
  /** What was asked for, such as `GET /rows`, without scripts and icons. */
  readonly requests: string[]
  /** How often something was saved. */
  count: number
  /** Answers a POST with the page at its address instead of leading to the one at `/`. */
  isAnsweringPosts: boolean
  /** How long pages but the first one take, in milliseconds. */
  pause: number
}

/**
 * A relay, and a site whose pages are HTML and nothing else, for one test. In the pages `$relay` stands for the relay's
 * address, and `$count` for how often something was saved; a POST saves, and leads to the page at `/`.
 */
export async function openHtmlSite(
  pages: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<HtmlSite> {
  const relay = await startGrownRelay()
  onTestFinished(relay.kill)
  const files = { '/signalpost.min.js': await readUmd() }
  const requests: string[] = []
  const server = await serve(files, headers, (request, response) => {
    const path = request.url?.split('?')[0] ?? '/'
    if (!path.includes('.')) requests.push(`${request.method} ${path}`)
    if (request.method === 'POST') {
      site.count += 1
      request.resume()
      if (!site.isAnsweringPosts) {
        response.writeHead(303, { Location: '/' }).end()
        return true
      }
    }
    const text = pages[path]?.replaceAll('$relay', relay.url).replaceAll('$count', String(site.count))
    if (text === undefined) return false
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8'
    const answer = (): unknown => response.writeHead(200, { 'Content-Type': type, ...headers }).end(text)
    setTimeout(answer, requests.length > 1 ? site.pause : 0)
    return true
  })
  onTestFinished(server.close)
  const site: HtmlSite = { relay, page: server.page, requests, count: 0, isAnsweringPosts: false, pause: 0 }
  return site
}
