import { readMeta } from '../../page/meta.js'
import type { FetchFunction } from '../../refresh/index.js'
import { openChannel } from '../channel.js'
import { shareResponse } from './share-response.js'

/** The version of the messages between tabs: tabs of other versions share nothing. */
const VERSION = 1

export interface SharedFetchOptions {
  /**
   * The user whom the page shows. Tabs of different users share nothing.
   * @default the content of `<meta name="signalpost-user">`
   */
  readonly user?: string | undefined
}

/**
 * Returns a function with which the tabs of a browser share the requests of their refreshes: for the option `fetch` of
 * `replaceElement`, `morphElement`, `submitForm` and `bindHtml`. Of several tabs that need an address, one requests it,
 * and the others get its response. A tab takes only a response whose request started after the tab's last signal. A
 * good response is kept for 30 s. If the requesting tab closes, hangs or fails, another one requests.
 *
 * Tabs share requests with the same address, headers and user. A POST is never shared. Without Web Locks, as on http
 * pages, each tab requests by itself.
 */
export function sharedFetch({ user }: SharedFetchOptions = {}): FetchFunction {
  return async (url, init, needs) => {
    const request = (): Promise<Response> => fetch(url, init)
    const isGet = /^get$/i.test(init.method ?? 'get')
    if (!isGet || !globalThis.navigator?.locks) return request()
    const [address] = url.split('#')
    const parts = [address, [...new Headers(init.headers)], user ?? readMeta('user')]
    const name = `signalpost fetch ${VERSION} ${JSON.stringify(parts)}`
    const channel = openChannel(name)
    if (!channel) return request()
    return shareResponse({ channel, needs, request, signal: init.signal ?? new AbortController().signal })
  }
}
