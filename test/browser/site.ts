import type * as Signalpost from 'signalpost'
import type { JsonValue, Signal, SignalStatus } from 'signalpost'
import { readUmd, serve } from './static-server.js'

/** How a page is left: by a form that is submitted, a link that is clicked, or by script. */
export const WAYS = ['submit', 'click', 'reload', 'assign'] as const
export type Way = (typeof WAYS)[number]

/** What the pages of a site tell of themselves, as `page` in the page. */
export interface SitePage {
  /** Which page of its tab it is, counted from 1. */
  readonly visit: number
  readonly client: Signalpost.SignalClient
  /** Each change of status since the first dial, with its moment by `performance.now()`. */
  readonly states: (SignalStatus & { readonly told: number })[]
  /** The data of all signals named `Count` that the pages of this tab handled, in order. */
  heard(): JsonValue[]
  /** All signals that this page handled. */
  readonly signals: Signal[]
  readonly errors: string[]
  /** Leaves, in a task of its own: whoever asked for it gets an answer first. */
  leave(way: Way): void
  /** Sends a `Count` and leaves in the same breath. */
  sendAndLeave(data: JsonValue, way: Way): void
}

declare global {
  interface Window {
    page: SitePage
  }
}

export interface Site {
  /** A page that counts what it handles. */
  readonly page: string
  /** The same page, whose HTML or whose first script comes only after `release`. */
  readonly slowPage: string
  readonly slowScript: string
  /** A page without signals. */
  readonly quiet: string
  /** The quiet page, on another site. */
  readonly elsewhere: string
  /** Requests for slow things that wait. */
  readonly held: number
  release(): void
  close(): Promise<void>
}

/** Whether one of the tabs has the connection of all, or a SharedWorker. */
export type Sharing = 'leader' | 'worker'

const SHARED = {
  none: '',
  leader: 'data-url data-shared',
  worker: 'data-url data-shared data-worker="/signalpost-worker.min.js"',
}

export interface SiteOptions {
  /** What all pages may connect to, as in a content policy; `$relay` stands for the relay's ws: address, `$http` for its http: one. */
  readonly connectSrc?: string
  /** A script of the page itself, run after the client was made. */
  readonly script?: string
  /** How all tabs share one connection. */
  readonly shared?: Sharing
}

/** A site whose pages have a client for the relay. */
export async function openSite(
  relayUrl: string,
  { connectSrc = '*', script = '', shared }: SiteOptions = {},
): Promise<Site> {
  const waiting: (() => void)[] = []
  const attributes = SHARED[shared ?? 'none']
  const html = pageWith(relayUrl, '', attributes)
  const app = `(${runPage})(); ${script}`
  const files = { '/': html, '/quiet': '<!doctype html><title>Quiet</title>', '/app.js': app }
  const sources = connectSrc.replace('$relay', relayUrl).replace('$http', relayUrl.replace('ws', 'http'))
  const headers = { 'Content-Security-Policy': `connect-src ${sources}` }
  const scripts = ['signalpost', 'signalpost-tabs', 'signalpost-worker'].map(
    async (name) => [`/${name}.min.js`, await readUmd(name)] as const,
  )
  const server = await serve(
    { ...files, ...Object.fromEntries(await Promise.all(scripts)) },
    headers,
    (request, response) => {
      // Like most applications: a form that was taken leads to a page.
      if (request.method === 'POST') response.writeHead(303, { Location: '/' }).end()
      else if (request.url === '/slow-page') waiting.push(() => response.end(html))
      else if (request.url === '/slow-script')
        response.end(pageWith(relayUrl, '<script src="/slow.js"></script>', attributes))
      else if (request.url === '/slow.js') waiting.push(() => response.end())
      else return false
      return true
    },
  )

  return {
    page: server.page,
    slowPage: `${server.page}slow-page`,
    slowScript: `${server.page}slow-script`,
    quiet: `${server.page}quiet`,
    elsewhere: `http://127.0.0.1:${server.port}/quiet`,
    get held() {
      return waiting.length
    },
    release() {
      for (const answer of waiting.splice(0)) answer()
    },
    close: server.close,
  }
}

function pageWith(relayUrl: string, slow: string, attributes: string): string {
  return `<!doctype html>
<title>Counting</title>
<meta name="signalpost-url" content="${relayUrl}">
${slow}
<form method="post" action="/"></form>
<a>The next page</a>
<script src="/signalpost.min.js" ${attributes}></script>
<script src="/app.js"></script>`
}

/** Runs in the page. */
function runPage(): void {
  const { createSignalClient, getPageClient } = window.Signalpost
  const visit = Number(sessionStorage.getItem('visit')) + 1
  sessionStorage.setItem('visit', String(visit))
  const states: SitePage['states'] = []
  const signals: Signal[] = []
  const errors: string[] = []
  const client =
    getPageClient() ?? createSignalClient({ onError: ({ code, message }) => errors.push(`${code}: ${message}`) })
  client.onStatus((status) => states.push({ ...status, told: performance.now() }))
  client.receiveSignal('*', (data, signal) => {
    signals.push(signal)
    // Written at once: the page may be gone in the next moment.
    if (signal.name === 'Count')
      sessionStorage.setItem('heard', `${sessionStorage.getItem('heard') ?? ''}${JSON.stringify(data)},`)
  })

  // Another address each time: a page that leads to its own takes its own place in the tab's history.
  const next = `/?visit=${visit + 1}`
  const link = document.querySelector('a')
  if (link) link.href = next

  const leaveNow = {
    submit: () => document.querySelector('form')?.submit(),
    click: () => link?.click(),
    reload: () => location.reload(),
    assign: () => location.assign(next),
  }
  window.page = {
    visit,
    client,
    states,
    signals,
    errors,
    heard: () => JSON.parse(`[${(sessionStorage.getItem('heard') ?? '').slice(0, -1)}]`) as JsonValue[],
    leave: (way) => void setTimeout(leaveNow[way]),
    sendAndLeave(data, way) {
      setTimeout(() => {
        void client.sendSignal('Count', data)
        leaveNow[way]()
      })
    },
  }
}
