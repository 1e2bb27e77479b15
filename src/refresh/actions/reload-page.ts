import type { RefreshAction } from '../action.js'
import { checkRepeatable } from '../failure.js'
import { waitForNextPage } from '../../page/pending-navigation.js'

/**
 * Loads the page again; the browser keeps its scroll position. The tab remembers what it has handled, so that what caused
 * the reload does not cause another one. It fails on a page that is the answer to a form, which would be posted again: answer
 * with a redirect, or use `submitForm`.
 */
export function reloadPage(): RefreshAction {
  return ({ signal }) => {
    checkRepeatable()
    // An application that scrolls by itself would begin at the top.
    history.scrollRestoration = 'auto'
    location.reload()
    return waitForNextPage('reload', signal)
  }
}
