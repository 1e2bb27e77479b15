import { SignalError } from '../errors.js'

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/

/**
 * The absolute WebSocket address of the relay: the option, else the page's `<meta name="signalpost-url">`, else `/signals`
 * on the page's own origin. Where there is no page, a relative address stays as it is, for nothing connects there.
 *
 * @throws SignalError `bad-url`, or `insecure-url` for an unencrypted address on an encrypted page.
 */
export function resolveUrl(option: string | undefined): string {
  const text = option ?? metaUrl() ?? '/signals'
  const page = globalThis.location
  let url: URL
  try {
    url = new URL(text, page?.href)
  } catch (cause) {
    if (!page) return text
    throw badUrl('is not a URL', cause)
  }
  url.protocol = url.protocol.replace(/^http/, 'ws')
  url.hash = ''
  if (!/^wss?:$/.test(url.protocol)) throw badUrl('must begin with wss://, ws://, https://, http:// or /')
  if (url.username || url.password) throw badUrl('must not hold a user or a password; use the option "token"')
  if (page?.protocol === 'https:' && url.protocol === 'ws:' && !LOOPBACK.test(url.hostname)) {
    throw new SignalError(
      'insecure-url',
      'An https page cannot connect to a ws:// relay: use wss:// (a proxy in front of the relay can add TLS).',
    )
  }
  return url.href
}

function metaUrl(): string | undefined {
  return globalThis.document?.querySelector<HTMLMetaElement>('meta[name="signalpost-url"]')?.content
}

function badUrl(what: string, cause?: unknown): SignalError {
  return new SignalError('bad-url', `The relay's url ${what}. Example: wss://relay.example.com/signals`, { cause })
}
