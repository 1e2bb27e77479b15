import type { RefreshAction } from './action.js'
import { leaving } from './leave.js'

/**
 * Loads the page again; the browser keeps its scroll position. The tab remembers what it has handled, so that what caused
 * the reload does not cause another one. For a page that is the answer to a form, use `submitForm`.
 */
export function reloadPage(): RefreshAction {
  return ({ signal }) => {
    // An application that scrolls by itself would begin at the top.
    history.scrollRestoration = 'auto'
    location.reload()
    return leaving(signal)
  }
}
