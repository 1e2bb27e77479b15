import { readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { problem, type Reply } from './reply.js'

const ASSETS = new Set(['signalpost.min.js', 'signalpost.min.js.map', 'signalpost-tabs.min.js'])

/** Segments that begin with a letter, digit or _ : no hidden file, parent folder, drive or backslash. */
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

const TEST_PAGE_POLICY = policy("connect-src 'self' ws: wss:", "form-action 'none'")

const NOT_FOUND = problem(404, 'not-found', 'There is nothing at this path. The test page is at /.')
const NOT_BUILT = problem(
  404,
  'not-built',
  'The test page is not built. Run npm run build, then start the relay again.',
)

export interface PagesOptions {
  /** The folder of the test page. */
  readonly pages: string
  /** The folder of the script-tag build that the test page loads. */
  readonly assets: string
}

/** Serves the test page and its script from two folders. */
export function createPages({ pages, assets }: PagesOptions): (path: string) => Promise<Reply> {
  const [fromPages, fromAssets] = [createFolder(pages, TEST_PAGE_POLICY), createFolder(assets, TEST_PAGE_POLICY)]
  return async (path) => {
    const name = path === '/' ? 'index.html' : decode(path.slice(1))
    const found = await (ASSETS.has(name) ? fromAssets(name) : fromPages(name))
    return found ?? (path === '/' ? NOT_BUILT : NOT_FOUND)
  }
}

/** Serves the files of one folder. */
export function createFolder(folder: string, contentPolicy: string): (name: string) => Promise<Reply | undefined> {
  return async (name) => {
    const type = TYPES[extname(name)]
    if (!type || !SAFE_PATH.test(name)) return undefined
    const headers = {
      'Content-Type': type,
      'Content-Security-Policy': contentPolicy,
      'Referrer-Policy': 'no-referrer',
    }
    try {
      return { status: 200, headers, body: await readFile(join(folder, name.split('/').join(sep))) }
    } catch {
      return undefined
    }
  }
}

/** Returns a content security policy that allows this origin and the given additions. */
export function policy(...more: readonly string[]): string {
  const own = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"]
  return [...own, ...more, "base-uri 'none'", "frame-ancestors 'none'"].join('; ')
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}
