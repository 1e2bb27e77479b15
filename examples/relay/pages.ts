import { readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { problem, type Reply } from './reply.js'

export interface PagesOptions {
  /** The folder of the test page. */
  readonly pages: string
  /** The folder of the script-tag build that the test page loads. */
  readonly assets: string
}

/** Serves the test page and its script: two folders, and nothing outside them. */
export function createPages({ pages, assets }: PagesOptions): (path: string) => Promise<Reply> {
  return async (path) => {
    const name = path === '/' ? 'index.html' : decode(path.slice(1))
    const type = TYPES[extname(name)]
    if (!type || !SAFE_PATH.test(name)) return NOT_FOUND
    const folder = ASSETS.has(name) ? assets : pages
    try {
      const body = await readFile(join(folder, name.split('/').join(sep)))
      return { status: 200, headers: { 'Content-Type': type, ...PAGE_HEADERS }, body }
    } catch {
      return path === '/' ? NOT_BUILT : NOT_FOUND
    }
  }
}

const ASSETS = new Set(['signalpost.min.js', 'signalpost.min.js.map'])

/** Parts that begin with a letter, digit or _ : no hidden file, no way up, no drive, no backslash. */
const SAFE_PATH = /^\w[\w.-]*(\/\w[\w.-]*)*$/

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
}

const PAGE_HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self' ws: wss:",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
}

const NOT_FOUND = problem(404, 'not-found', 'There is nothing at this path. The test page is at /.')
const NOT_BUILT = problem(
  404,
  'not-built',
  'The test page is not built. Run npm run build, then start the relay again.',
)

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}
