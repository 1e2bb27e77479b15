import { $ } from './page.js'

const FILE = './signalpost-tabs.min.js'
const HANGS_FOR = 5000

const PLACES = {
  'this-tab': 'This window has the connection',
  'other-tab': 'Another window has the connection',
  worker: 'A worker has the connection',
}

/** Whether the windows of this browser share one connection. */
export const isShared = new URLSearchParams(location.search).has('shared')

/** Offers the other mode, and shows which window has the connection of all. */
export async function showSharing() {
  const other = new URL(location.href)
  if (isShared) other.searchParams.delete('shared')
  else other.searchParams.set('shared', '')
  $('share').href = other.href
  $('share').textContent = isShared ? 'Connect each window by itself' : 'Share one connection'
  $('hang').hidden = !isShared
  $('hang').addEventListener('click', hang)
  if (!isShared) return
  const { getSharing, onSharing } = await import(FILE)
  const show = () => ($('sharing').textContent = describe(getSharing()))
  onSharing(show)
  show()
}

function describe(sharing) {
  if (!sharing) return ''
  const { connection, clients } = sharing
  if (connection === 'own') return 'This browser shares nothing here: it needs https or localhost'
  return `${PLACES[connection]}, which ${clients === 1 ? 'one window uses' : `${clients} windows use`}`
}

/** Keeps the script of this window busy, as a bad page would: another window takes the connection over. */
function hang() {
  for (const end = performance.now() + HANGS_FOR; performance.now() < end;);
}
