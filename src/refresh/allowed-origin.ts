import { parseUrl } from '../page/parse-url.js'
import { badOption } from '../option-checks.js'
import { failure } from './failure.js'

/** More origins whose HTML may become part of the page. */
export interface OriginOptions {
  /** Origins like `https://reports.example`; their HTML is trusted like the page's own. @default [] */
  readonly origins?: readonly string[] | undefined
}

/** @throws SignalError `bad-option`. */
export function checkOrigins(origins: unknown = []): void {
  if (Array.isArray(origins) && origins.every((origin) => isWeb(origin) && new URL(origin).origin === origin)) return
  throw badOption('The option "origins" takes a list of origins like https://reports.example, without a path')
}

/**
 * Checks that a refresh may load an address. Attributes in user content could name any address.
 *
 * @throws SignalError `refresh-failed`.
 */
export function checkAllowed({ protocol, origin, href }: URL, origins: readonly string[] = []): void {
  // `file:` and `data:` addresses all have the origin "null", so the protocol counts too.
  if (protocol === location.protocol && origin === location.origin) return
  if (isWeb(href) && origins.includes(origin)) return
  throw failure(`A refresh stays on ${location.origin}; list other web origins in "origins" or data-origins`)
}

function isWeb(url: unknown): url is string {
  return /^https?:/.test(String(url)) && parseUrl(String(url)) !== undefined
}
