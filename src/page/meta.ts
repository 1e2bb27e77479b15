import { call } from './dom.js'

/** The trimmed content of the page's `<meta name="signalpost-…">`. */
export function readMeta(name: string): string | undefined {
  const page = globalThis.document
  const meta = page && call(page, 'querySelector', `meta[name="signalpost-${name}"]`)
  return (meta as HTMLMetaElement | null | undefined)?.content.trim()
}
