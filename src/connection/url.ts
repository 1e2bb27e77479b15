import { SignalError } from '../errors.js'
import { readMeta } from '../page/meta.js'
import { parseUrl } from '../page/parse-url.js'

const LOOPBACK = /^(.*\.)?localhost$|^127(\.\d+){3}$|^\[::1]$/
/** Another text would be relative to the page as well, but most likely lacks its scheme. */
const ADDRESS = /^(\w+:\/|\.{0,2})\//
/** A port on the page's own host. */
const PORT = /^:(?=\d)/

/**
 * Returns the absolute WebSocket address of the relay: the option, else the page's `<meta name="signalpost-url">`, else
 * `/signals` on the page's own origin. An empty option counts as missing. `:8081/signals` is a port of the page's host. Where
 * there is no page, a relative address stays as it is, because nothing connects there.
 *
 * @throws SignalError `bad-url`, or `insecure-url` for an unencrypted address on an encrypted page.
 */
export function resolveUrl(option: string | undefined): string {
  const page = globalThis.location
  const text = (option?.trim() || readMeta('url') || '/signals').replace(PORT, `//${page?.hostname}:`)
  const isAddress = ADDRESS.test(text)
  if (!page && isAddress && /^[./]/.test(text)) return text
  const url = isAddress ? parseUrl(text, page?.href) : undefined
  if (url) url.protocol = url.protocol.replace('http', 'ws')
  // A password would end up in logs; tokens have their own option.
  if (!url || !/^wss?:/.test(url.protocol) || url.username || url.password) {
    throw new SignalError('bad-url', 'The url must begin with wss:// or /, without a password')
  }
  if (page?.protocol === 'https:' && url.protocol === 'ws:' && !LOOPBACK.test(url.hostname)) {
    throw new SignalError('insecure-url', 'A page on https: needs wss:.')
  }
  url.hash = ''
  return url.href
}
