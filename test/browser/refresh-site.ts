import { build } from 'esbuild'
import type * as SignalpostModule from 'signalpost'
import { onTestFinished } from 'vitest'
import { ROOT } from '../package/root.js'
import type { RelayClient } from './relay-client.js'
import { type RelayProcess, startGrownRelay } from './relay-process.js'
import { join } from './fixtures.js'
import { serve } from './static-server.js'
import { type Tab, waitFor } from './tab-browser.js'

/** A report whose pages refresh themselves, as a server would render it. */
export interface ReportSite {
  readonly relay: RelayProcess
  readonly page: string
  /** The path and query of every request for a page or fragment, in order. */
  readonly requests: string[]
  /** What pages told by `fetch('/told?…')`, which works also while their successor is on its way. */
  readonly told: string[]
  /** What the next answers show. */
  income: number
  /** What the next answers are instead. */
  trouble?: 'error' | 'json' | 'login' | 'empty' | undefined
  /** Keeps answers back until `release`. */
  isHolding: boolean
  readonly held: number
  release(): void
  /** A change in the database, and the signal that somebody else sends of it. */
  earn(income: number): Promise<void>
  /** A signal that somebody else sends. */
  send(name: string): Promise<void>
}

export interface ReportSiteOptions {
  /** Run in every page, where `refreshOn` and its actions are variables. */
  readonly script: string
  /** More of the page's body, in which `$income` stands for the present income. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Works without inline styles, which a strict policy forbids. */
const STYLE = `
  body { min-height: 5000px }
  .scroller { height: 100px; overflow: auto }
  .scroller p { height: 1000px }
`

export async function openReport({ script, body = '', headers = {} }: ReportSiteOptions): Promise<ReportSite> {
  const relay = await startGrownRelay()
  onTestFinished(relay.kill)
  const waiting: (() => void)[] = []
  const app = `(${runPage})(); const { refreshOn, reloadPage, submitForm, replaceElement, sharedFetch } = Signalpost; ${script}`
  const files = { '/app.js': app, '/signalpost.js': await bundle() }
  let other: Promise<RelayClient> | undefined
  const sender = (): Promise<RelayClient> => (other ??= join(relay))

  const server = await serve(files, headers, (request, response) => {
    const path = request.url ?? '/'
    if (path === '/style.css') {
      response.writeHead(200, { 'Content-Type': 'text/css' }).end(STYLE)
      return true
    }
    if (path.startsWith('/told?')) {
      site.told.push(path.slice(6))
      response.writeHead(204).end()
      return true
    }
    if (path in files || path === '/favicon.ico') return false
    const type = site.trouble === 'json' ? 'application/json' : 'text/html; charset=utf-8'
    site.requests.push(path)
    if (site.trouble === 'login' && path !== '/login') {
      response.writeHead(302, { Location: '/login' }).end()
      return true
    }
    // Rendered when it is asked for, and sent later.
    const text = site.trouble === 'empty' ? '<p>There is nothing here.' : pageFor(path, site.income, relay.url, body)
    const answer = (): void => {
      response.writeHead(site.trouble === 'error' ? 500 : 200, { 'Content-Type': type, ...headers }).end(text)
    }
    if (site.isHolding) waiting.push(answer)
    else answer()
    return true
  })
  onTestFinished(server.close)

  const site: ReportSite = {
    relay,
    page: `${server.page}report`,
    requests: [],
    told: [],
    income: 0,
    isHolding: false,
    get held() {
      return waiting.length
    },
    release() {
      site.isHolding = false
      for (const answer of waiting.splice(0)) answer()
    },
    async earn(income) {
      site.income = income
      await (await sender()).send('ReportIncome', income)
    },
    send: async (name) => (await sender()).send(name, 1),
  }
  return site
}

export async function openReady<Opened extends Tab>(opening: Promise<Opened>): Promise<Opened> {
  const tab = await opening
  await waitForReady(tab)
  return tab
}

/** Waits until the page is online, and tells that it is this page and no later one. */
export async function waitForReady(tab: Tab, load = 1): Promise<void> {
  await waitFor(
    tab,
    `window.report?.load === ${load} && report.client.status.state === 'online' && document.readyState === 'complete'`,
  )
}

export async function waitForIncome(tab: Tab, income: number): Promise<void> {
  await waitFor(tab, `document.querySelector('#total')?.textContent === '${income}'`)
}

/** Waits until the pages have heard everything that was sent before. */
export async function waitForMarker(site: ReportSite, ...tabs: readonly Tab[]): Promise<void> {
  for (const tab of tabs) {
    await tab.evaluate(`Signalpost.receiveSignal('Marker', () => (window.isMarked = true)) && 1`)
  }
  await site.send('Marker')
  for (const tab of tabs) await waitFor(tab, 'window.isMarked')
}

function pageFor(path: string, income: number, relayUrl: string, body: string): string {
  const year = new URL(path, 'http://localhost').searchParams.get('year') ?? '2026'
  const report = `<section id="report"><b id="total">${income}</b> in <i id="year">${year}</i>
<input name="find"><button id="find">Find</button>
<div class="scroller"><p>${income}</p></div>
<details><summary>More</summary>${income}</details></section>`
  if (path.startsWith('/fragment')) return report
  return `<!doctype html><title>Report</title>
<meta name="signalpost-url" content="${relayUrl}">
<link rel="stylesheet" href="/style.css">
<form id="filter" action="/report"><input name="year" value="${year}"><button name="show" value="1">Show</button></form>
<form id="notes"><textarea id="note"></textarea></form>
${report}
${body.replaceAll('$income', String(income))}
<script src="/signalpost.js"></script>
<script src="/app.js"></script>`
}

/** Runs in the page. */
function runPage(): void {
  const load = Number(sessionStorage.getItem('load')) + 1
  sessionStorage.setItem('load', String(load))
  const phases: string[] = []
  const errors: string[] = []
  document.addEventListener('signalpost:refresh', (event) => {
    phases.push((event as CustomEvent<{ phase: string }>).detail.phase)
  })
  const { Signalpost } = window as unknown as { Signalpost: typeof SignalpostModule }
  const client = Signalpost.createSignalClient({ onError: ({ code }) => errors.push(code) })
  const onError = (error: { code: string }): unknown => errors.push(error.code)
  Object.assign(window, { report: { load, phases, errors, client }, onError })
}

let bundled: Promise<string> | undefined

/** The client, the refresh and what tabs share, as a bundler makes them one script. */
function bundle(): Promise<string> {
  bundled ??= build({
    stdin: {
      contents: `export * from './dist/index.js'; export * from './dist/refresh/index.js'; export * from './dist/tabs/index.js'`,
      resolveDir: ROOT,
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'Signalpost',
    legalComments: 'none',
    logLevel: 'silent',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  return bundled
}
