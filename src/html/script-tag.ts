import { createSignalClient } from '../client.js'
import { rethrow, type SignalError } from '../errors.js'
import { createPageClientLater, getPageClient, receiveSignal, sendSignal } from '../page-client.js'
import type { FetchFunction } from '../refresh/index.js'
import type { RefreshTexts } from '../refresh/indicator/notice.js'
import { openConnection } from '../connection/connection.js'
import type { OpenTransport } from '../connection/transport.js'
import { resolveUrl } from '../connection/url.js'
import { badOption } from '../option-checks.js'
import { findBeside } from '../page/beside-script.js'
import { call } from '../page/dom.js'
import { readMeta } from '../page/meta.js'
import { runInTask, runWhenParsed } from '../page/task.js'
import type { Token } from '../signals.js'
import { Attribute } from './attributes.js'
import { bindWhen } from './bind-html.js'
import { dialEarly } from './early-socket.js'
import { loadSocketFiles } from './socket-files.js'

/** How long a page may take to make its client (ms). */
const CLIENT_TIMEOUT = 5000

const TEXTS = ['changed', 'refresh', 'loss', 'discard', 'failed', 'retry'] satisfies (keyof RefreshTexts)[]

/** The files that attributes of the script tag need. */
const FILES = { 'data-shared': 'tabs', 'data-shared-fetch': 'tabs', 'data-fallback': 'fallback' }

/** The attributes that do nothing without a client. */
const WITH_ATTRIBUTES = `[${Attribute.Refresh}],[${Attribute.Send}],[${Attribute.Status}]`

/** The elements whose signals a page sends even if it is left before it follows its attributes. */
const META = `meta[${Attribute.Send}]`

type Script = HTMLElement | HTMLOrSVGScriptElement | null

/**
 * Runs a script tag: it follows the attributes of the page. With `data-url` it connects (empty: to the default address),
 * unless the page has a client. With `data-globals` it makes `sendSignal` and `receiveSignal` global. `data-text-changed`,
 * `-refresh`, `-failed` and `-retry` are the texts of the hint; `data-spread`, `data-origins` and `data-headers` are options of
 * refreshes. `data-protocol` is the option of the client. `data-shared` lets all tabs share one connection,
 * `data-shared-fetch` the fetches of refreshes, and `data-fallback` works where WebSockets are blocked: the page loads a
 * file for each, from beside the script or from the address in the attribute. `<meta name="signalpost-token">` contains the
 * token; `data-token-url` returns fresh ones as plain text.
 */
export function runScriptTag(loaded: HTMLOrSVGScriptElement | null): void {
  // Module scripts, bundles and loaders do not tell the browser which tag they come from.
  const script = loaded?.dataset.url === undefined ? (findTag() ?? loaded) : loaded
  const { url, protocol, globals, origins, headers, tokenUrl, spread } = script?.dataset ?? {}
  if (globals !== undefined) Object.assign(globalThis, { sendSignal, receiveSignal })
  const texts: unknown = Object.fromEntries(
    TEXTS.map((name) => [name, script?.getAttribute(`data-text-${name}`) ?? undefined]),
  )
  let bind: (() => void) | undefined
  let isLeft = false
  const schedule = (begin: () => void): void => void (bind = begin)
  // An undefined text means the default text.
  bindWhen(schedule, {
    refresh: { texts: texts as RefreshTexts, spread: Number(spread) || 0 },
    origins: origins?.match(/[^\s,]+/g) ?? [],
    headers: headers === undefined ? headers : readHeaders(headers),
    fetch: attempt(() => loadFetch(script)),
  })
  const start = runWhenParsed(() => {
    getPageClient()
    bind?.()
    bind = undefined
  })
  addEventListener(
    'pagehide',
    () => {
      if (!bind || !call(document, 'querySelector', META)) return
      isLeft = true
      start()
      // The client listens too late for `pagehide`: this event suspends it, too.
      dispatchEvent(new Event('freeze'))
    },
    true,
  )
  if (url !== undefined && !getPageClient()) {
    attempt(() => connect({ url, protocol, tokenUrl, script, start, isLeft: () => isLeft }))
  }
  setTimeout(() => warn(globals !== undefined), CLIENT_TIMEOUT)
}

/** Runs a part of the script tag. The page reports its error, and the other parts run. */
function attempt<Result>(part: () => Result): Result | undefined {
  try {
    return part()
  } catch (error) {
    queueMicrotask(() => rethrow(error as SignalError))
    return undefined
  }
}

/** Shares fetches by means of a file that the page loads first. Without the file, the page does without. */
function loadFetch(script: Script): FetchFunction | undefined {
  const address = findFile(script, 'data-shared-fetch')
  if (address === undefined) return undefined
  return async (url, init, needs) => {
    const file = (await import(address).catch(() => undefined)) as { sharedFetch(): FetchFunction } | undefined
    return file ? file.sharedFetch()(url, init, needs) : fetch(url, init)
  }
}

/**
 * Returns the address of the file that an attribute needs, or nothing if the tag does not have the attribute.
 * @throws SignalError `bad-option` if the address is not known.
 */
function findFile(script: Script, attribute: keyof typeof FILES): string | undefined {
  const value = script?.getAttribute(attribute)
  if (value == null) return undefined
  const name = `signalpost-${FILES[attribute]}.min.js`
  const address = findBeside((script as HTMLScriptElement).src, value, name)
  if (!address) throw badOption(`${attribute} needs the address of ${name}`)
  return address
}

/** Reads headers such as `X-Requested-With: fetch; X-Theme: dark`. */
function readHeaders(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([^:;\s]+)\s*:\s*([^;]*)/g)]
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
}

function findTag(): HTMLElement | null {
  return call(document, 'querySelector', 'script[src*=signalpost][data-url]') as HTMLElement | null
}

/** Names a mistake that would show no other sign. */
function warn(hasGlobals: boolean): void {
  if (hasGlobals && (globalThis as { receiveSignal?: unknown }).receiveSignal !== receiveSignal) {
    console.warn('A function of the page hides receiveSignal(): rename it, or call Signalpost.receiveSignal().')
  }
  if (getPageClient() || !call(document, 'querySelector', WITH_ATTRIBUTES)) return
  console.warn('The data-signal attributes need a client: put data-url on the script tag of signalpost.')
}

interface TagOptions {
  readonly url: string
  readonly protocol: string | undefined
  readonly tokenUrl: string | undefined
  readonly script: Script
  /** Makes the client, and follows the attributes of the page. */
  readonly start: () => void
  /** Whether the page is left, and has no time for a token function. */
  readonly isLeft: () => boolean
}

/**
 * Dials at once, but makes the client when the connection is open, or something needs it: the rest of the page does not wait
 * for it.
 */
function connect({ url, protocol, tokenUrl, script, start, isLeft }: TagOptions): void {
  // A page that needs a token first, or may never be seen, dials later.
  const isEarly = !protocol && tokenUrl === undefined && !(document as { prerendering?: boolean }).prerendering
  const transport = findTransport(script, start) ?? (isEarly ? openEarly(url, start) : undefined)
  createPageClientLater(() =>
    attempt(() => {
      const token = isLeft() ? findToken() : createToken(tokenUrl)
      createSignalClient({
        url,
        ...(protocol && { protocol: protocol as 'plain' }),
        ...(token && { token }),
        ...(transport && { transport }),
      })
    }),
  )
  if (!isEarly) runInTask(getPageClient)
}

function openEarly(url: string, start: () => void): OpenTransport {
  const early = dialEarly(resolveUrl(url), start)
  return (settings, events) => {
    const transport = openConnection(settings, events, early.open)
    const { close } = transport
    return Object.assign(transport, {
      close() {
        close()
        early.close()
      },
    })
  }
}

/** The fallback comes last: it replaces the shared connection where WebSockets are blocked. */
function findTransport(script: Script, onReady: () => void): OpenTransport | undefined {
  const files = [findFile(script, 'data-shared'), findFile(script, 'data-fallback')]
  const addresses = files.filter((address) => address !== undefined)
  return addresses.length > 0 ? loadSocketFiles(addresses, onReady) : undefined
}

function createToken(url: string | undefined): Token | undefined {
  // Read before every connection: the page may have set a fresh token.
  if (url === undefined) return findToken() && (() => findToken() ?? '')
  let unused = findToken()
  return () => {
    const token = unused ?? fetchToken(url)
    unused = undefined
    return token
  }
}

function findToken(): string | undefined {
  return readMeta('token')
}

async function fetchToken(url: string): Promise<string> {
  const response = await fetch(url, { cache: 'no-store' })
  // Servers redirect signed-out users to a page, which is no token.
  if (!response.ok || response.redirected) throw new Error(`There is no token at ${url} (${response.status}).`)
  return (await response.text()).trim()
}
