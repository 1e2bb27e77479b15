import { takeRedirectedPost } from '../../page/next-page-state.js'
import { checkRepeatable } from '../failure.js'

/**
 * Checks that the page's own address brings this page again, and warns where a form may have decided its content.
 *
 * @throws SignalError `refresh-failed` if only another POST could load this page again.
 */
export function checkOwnAddress(): void {
  checkRepeatable()
  if (!takeRedirectedPost()) return
  console.warn('This page came by a POST and a redirect: its address may bring another. Refresh the form instead.')
}
