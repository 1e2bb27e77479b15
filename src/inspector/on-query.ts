/**
 * Shows the inspector on a page whose address has `signalpost-inspect` in its query, or `signalpost-inspect=team:7,main` to
 * name the rooms. Its code is a file beside the script's, and is fetched only then.
 */
export function inspectOnQuery(script: HTMLOrSVGScriptElement | null): void {
  const rooms = new URLSearchParams(location.search).get('signalpost-inspect')
  if (rooms === null || !script || !('src' in script) || !script.src) return
  // A browser tells by itself what it could not fetch.
  void import(new URL('signalpost-inspector.js', script.src).href).then(
    ({ showInspector }) => showInspector(rooms ? { rooms: rooms.split(',') } : {}),
    () => undefined,
  )
}
