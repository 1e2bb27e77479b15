import type { RefreshAction } from '../action.js'
import { checkRepeatable } from '../failure.js'
import { waitForNextPage } from '../../page/pending-navigation.js'

/**
 * Loads the page again; the browser keeps the scroll position. The tab remembers the signals that it has handled, so the
 * cause of a reload does not cause another one. The action fails on the response to a POST, which would be sent again:
 * answer POST with a redirect, or use `submitForm`.
 */
export function reloadPage(): RefreshAction {
  return ({ signal }) => {
    checkRepeatable()
    // With "manual", as some applications set it, the page would start at the top.
    history.scrollRestoration = 'auto'
    location.reload()
    return waitForNextPage('reload', signal)
  }
}
