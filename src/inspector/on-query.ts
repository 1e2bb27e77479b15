import { badOption } from '../option-checks.js'
import { findBeside } from '../page/beside-script.js'

/**
 * Shows the inspector on a page whose address has `signalpost-inspect` in its query, or `signalpost-inspect=team:7,main` to
 * name the rooms. The script tag needs `data-inspect`, which may contain the address of the inspector; by default, the
 * inspector is a file beside the script. The page loads it only then.
 */
export function inspectOnQuery(script: HTMLOrSVGScriptElement | null): void {
  const rooms = new URLSearchParams(location.search).get('signalpost-inspect')
  if (rooms === null || !(script instanceof HTMLScriptElement) || script.dataset.inspect === undefined) return
  void show(findBeside(script.src, script.dataset.inspect, 'signalpost-inspector.js'), rooms)
}

async function show(address: string | undefined, rooms: string): Promise<void> {
  if (!address)
    throw badOption('data-inspect needs the address of signalpost-inspector.js, which is not beside this script')
  const { showInspector } = await import(address)
  showInspector(rooms ? { rooms: rooms.split(',') } : {})
}
