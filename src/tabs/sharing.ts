import type { Stop } from '../signals.js'

/** How the connection of this page is shared. */
export interface Sharing {
  /** Where the connection to the relay is. `own`: this page shares nothing. */
  readonly connection: 'this-tab' | 'other-tab' | 'worker' | 'own'
  /** The number of clients that use the connection. */
  readonly clients: number
}

/** Returns how the tabs of this browser share a connection, or `undefined` while this page takes no part in it. */
export function getSharing(): Sharing | undefined {
  return shared().sharing
}

/** Calls `listener` whenever another tab has the connection, or another number of clients uses it. */
export function onSharing(listener: (sharing: Sharing | undefined) => void): Stop {
  const tell = (): void => listener(getSharing())
  shared().addEventListener('change', tell)
  return () => shared().removeEventListener('change', tell)
}

export function setSharing(sharing: Sharing | undefined): void {
  const page = shared()
  const last = page.sharing
  if (last?.connection === sharing?.connection && last?.clients === sharing?.clients) return
  page.sharing = sharing
  page.dispatchEvent(new CustomEvent('change'))
}

interface Shared extends EventTarget {
  sharing?: Sharing | undefined
}

/** A symbol for the whole page: the inspector and the page may have copies of this module. */
const KEY = Symbol.for('signalpost:sharing')

function shared(): Shared {
  return ((globalThis as { [KEY]?: Shared })[KEY] ??= new EventTarget())
}
