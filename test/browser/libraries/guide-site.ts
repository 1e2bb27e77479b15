import { existsSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { textsUnder } from '../../package/blocks.js'
import type { Tabs } from '../chromium.js'
import { connectToRelay, type RelayClient } from '../relay-client.js'
import { type RelayProcess, startGrownRelay } from '../relay-process.js'
import { readUmd, serve, type StaticServer } from '../static-server.js'

export const GUIDE = 'examples/guides/page-libraries.md'

const PACKAGES = new URL('node_modules/', import.meta.url)
export const isInstalled = existsSync(PACKAGES)

const TYPES: Record<string, string> = { '.css': 'text/css', '.js': 'text/javascript', '.json': 'application/json' }
const HTML = 'text/html; charset=utf-8'

/** A page with one recipe of the guide, as a server renders it. */
interface Recipe {
  /** The heading of the guide. */
  readonly heading: string
  /** Which of the recipes under the heading. @default 0 */
  readonly index?: number
  /** The files of the library, as paths of npm packages. */
  readonly files: readonly string[]
  /** Further pages and fragments by path. `$run` is the number of the signal. */
  readonly answers?: Readonly<Record<string, string>>
  /** Replaces parts of the recipe, such as an ellipsis. `$run` is the number of the signal. */
  readonly fill?: Readonly<Record<string, string>>
  /** Something around the recipe, where `$recipe` is the recipe. */
  readonly around?: string
}

export interface GuideSite {
  /** How many signals the server has got since the page was opened. */
  readonly run: number
  /** The paths of POST requests. */
  readonly posts: readonly string[]
  /** The names of the signals that pages have sent since the page was opened. */
  sent(): string[]
  /** The status of the answers to POST requests; 303 leads to the recipe. */
  postStatus: number
  open(recipe: Recipe): Promise<Page>
  /** Sends the signal, after which the server renders the next number, and waits until an element shows it. */
  signal(page: Page): Promise<void>
  /** Same, without waiting. */
  send(): Promise<void>
}

/** One relay and one server for all recipes. */
export function useGuideSite(tabs: Tabs): GuideSite & { readonly opened: ReadonlySet<string> } {
  let relay: RelayProcess
  let server: StaticServer
  let other: RelayClient
  let recipe: Recipe
  const opened = new Set<string>()
  const posts: string[] = []

  beforeAll(async () => {
    relay = await startGrownRelay()
    server = await serve({ '/signalpost.min.js': await readUmd() }, {}, answer)
  })
  beforeEach(async () => {
    posts.length = 0
    Object.assign(site, { run: 1, postStatus: 200 })
    other = await connectToRelay(relay.url)
  })
  afterEach(() => other?.close())
  afterAll(async () => {
    await server?.close()
    await relay?.kill()
  })

  const fill = (text: string): string => text.replaceAll('$run', String(site.run))

  function answer({ method = 'GET', url = '/' }: IncomingMessage, response: ServerResponse): boolean {
    const { pathname } = new URL(url, server.page)
    if (pathname.startsWith('/npm/')) {
      const text = readFileSync(fileURLToPath(new URL(pathname.slice('/npm/'.length), PACKAGES)))
      response.writeHead(200, { 'Content-Type': TYPES[extname(pathname)] ?? 'text/plain' }).end(text)
      return true
    }
    if (method === 'POST') posts.push(pathname)
    const text = pathname === '/' ? render() : recipe.answers?.[pathname]
    if (text === undefined) return false
    const status = method === 'POST' ? site.postStatus : 200
    response.writeHead(status, { Location: '/', 'Content-Type': TYPES[extname(pathname)] ?? HTML }).end(fill(text))
    return true
  }

  function render(): string {
    const { heading, index = 0, files, around = '$recipe' } = recipe
    let block = textsUnder(GUIDE, heading, 'html')[index] ?? ''
    for (const [part, text] of Object.entries(recipe.fill ?? {})) block = block.replaceAll(part, () => text)
    // The first child of a refreshed element shows the number of the signal. Turbo fills its frames.
    block = block.replace(/<\w+ [^>]*data-signal-refresh[^>]*>/, '$&<p class="run">$$run</p>')
    return `<!doctype html><meta charset="utf-8"><title>Recipe</title>
      ${files.map(tagOf).join('\n')}
      <script src="signalpost.min.js" data-url="${relay.url}"></script>
      ${around.replace('$recipe', () => block)}`
  }

  const site = {
    run: 1,
    postStatus: 200,
    posts,
    opened,
    // Only the signals of the test have data.
    sent: () => other.heard.flatMap(({ signal, data }) => (data === undefined ? signal : [])),
    async open(wanted: Recipe) {
      recipe = wanted
      opened.add(`${recipe.heading} ${recipe.index ?? 0}`)
      const page = await tabs.open(server.page)
      // The libraries of some pages behave differently before the user has touched the page.
      await page.mouse.click(1, 1)
      return page
    },
    async send() {
      site.run += 1
      await other.send('ReportIncome', site.run)
    },
    async signal(page: Page) {
      await site.send()
      await page.locator('.run', { hasText: new RegExp(`^${site.run}$`) }).waitFor({ state: 'attached' })
    },
  }
  return site
}

function tagOf(file: string): string {
  return file.endsWith('.css')
    ? `<link rel="stylesheet" href="/npm/${file}">`
    : `<script src="/npm/${file}"${file.startsWith('alpinejs') ? ' defer' : ''}></script>`
}
