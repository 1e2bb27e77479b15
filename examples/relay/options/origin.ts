// Pages from a disk or in a sandbox send null; some browsers send file:// for the former. Apps have their own schemes,
// but no page has an origin with ftp: or ws:. A star needs a domain of two labels or more after it, or localhost.
const ORIGIN =
  /^(null|file:\/\/|https?:\/\/\*\.(?:localhost|[^/\s*:.]+(?:\.[^/\s*:.]+)*\.[a-z][^/\s*:.]*)(?::\d+)?|(?!(?:ftp|wss?):)[a-z][a-z0-9+.-]*:\/\/[^/\s*]+)$/

export const ORIGIN_SCHEMA = { type: 'string', pattern: ORIGIN.source }

/** Why a star is refused. The first form that matches counts. */
const STAR_FAULTS: readonly (readonly [form: RegExp, text: string])[] = [
  [/^(?:\w+:\/\/)?\*[^.]*$/, 'must name a site, because a star alone allows every page'],
  [/^\*/, 'must begin with https:// or http://'],
  [/^https?:\/\/\*\.[^.*]+$/i, 'must have a domain after the star, because this allows every site with that ending'],
  [/\*/, 'may have one star, in place of the first label, and only with https:// or http://'],
]

/** Parses an origin, or one with a star for any one label, as in `https://*.example.com`. */
export function readOrigin(value: string): string {
  const isWeb = /^https?:\/\//i.test(value) && URL.canParse(value)
  const canonical = isWeb ? new URL(value).origin : value
  if (ORIGIN.test(canonical)) {
    if (canonical === value) return value
    throw new Error(`must be like ${canonical}, without a path, not "${value}"`)
  }
  const fault = STAR_FAULTS.find(([form]) => form.test(value))?.[1]
  if (fault === undefined) throw new Error(`must be like https://example.com, without a path, not "${value}"`)
  throw new Error(`${fault}. Write https://example.com, or https://*.example.com for its subdomains, not "${value}"`)
}
