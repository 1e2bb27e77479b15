/**
 * Shows the inspector on a page whose address has `signalpost-inspect` in its query. Its code is a file beside the
 * script's, and is fetched only then.
 */
export function inspectOnQuery(script: HTMLOrSVGScriptElement | null): void {
  const isAsked = new URLSearchParams(location.search).has('signalpost-inspect')
  if (!isAsked || !script || !('src' in script) || !script.src) return
  // A browser tells by itself what it could not fetch.
  void import(new URL('signalpost-inspector.js', script.src).href).then(
    ({ showInspector }) => showInspector(),
    () => undefined,
  )
}
