/** The content of a `<meta name="…">` of the page, without the spaces around it. */
export function readMeta(name: string): string | undefined {
  return globalThis.document?.querySelector<HTMLMetaElement>(`meta[name="signalpost-${name}"]`)?.content.trim()
}
