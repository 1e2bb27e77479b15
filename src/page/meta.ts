import { call } from './dom.js'

/** The content of a `<meta name="…">` of the page, without the spaces around it. */
export function readMeta(name: string): string | undefined {
  const page = globalThis.document
  const meta = page && call(page, 'querySelector', `meta[name="signalpost-${name}"]`)
  return (meta as HTMLMetaElement | null | undefined)?.content.trim()
}
