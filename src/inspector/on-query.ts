import { badOption } from '../option-checks.js'

/** The file names of the script tag. A short address of a content network has no file name: its sibling is another package. */
const SCRIPT = /\/signalpost(\.min)?\.js$/

/**
 * Shows the inspector on a page whose address has `signalpost-inspect` in its query, or `signalpost-inspect=team:7,main` to
 * name the rooms. The script tag needs `data-inspect`, which may contain the address of the inspector; by default, the
 * inspector is a file beside the script. The page loads it only then.
 */
export function inspectOnQuery(script: HTMLOrSVGScriptElement | null): void {
  const rooms = new URLSearchParams(location.search).get('signalpost-inspect')
  if (rooms === null || !(script instanceof HTMLScriptElement) || script.dataset.inspect === undefined) return
  void show(findInspector(script.dataset.inspect, script.src), rooms)
}

function findInspector(address: string, script: string): string | undefined {
  if (address) return new URL(address, location.href).href
  return SCRIPT.test(new URL(script, location.href).pathname)
    ? new URL('signalpost-inspector.js', script).href
    : undefined
}

async function show(address: string | undefined, rooms: string): Promise<void> {
  if (!address)
    throw badOption('data-inspect needs the address of signalpost-inspector.js, which is not beside this script')
  const { showInspector } = await import(address)
  showInspector(rooms ? { rooms: rooms.split(',') } : {})
}
