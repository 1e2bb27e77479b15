import { vi } from 'vitest'
import type { Action } from '../actions.js'
import { pass } from '../virtual-time.js'
import { closeTab, freezePage, goBack, leavePage, openPage, resumePage, showNextPage } from './page-life-cycle.js'
import type { Page } from './records.js'
import { drainRelay, killRelay, revokeTokens, startNextRelay, trimLog, troubleRelay } from './relay-life-cycle.js'
import { publish } from './signals.js'
import type { ModelState } from './state.js'
import { listen } from './subscriptions.js'

export async function perform(state: ModelState, action: Action): Promise<void> {
  const shown = 'page' in action ? state.pages[action.page] : undefined
  const connection = shown?.connections.at(-1)
  switch (action.do) {
    case 'cut':
    case 'heal':
      return connection?.[action.do]()
    case 'stall':
      return connection?.stall(action.way)
    case 'leave':
      return leavePage(state, action.page, action.isKept, action.farewell)
    case 'arrive':
      return showNextPage(state, action.page, action.since, action.isSlow)
    case 'navigate':
      leavePage(state, action.page, action.isKept, action.farewell)
      return showNextPage(state, action.page, action.since)
    case 'back':
      return goBack(state, action.page)
    case 'resume':
      return shown && resumePage(shown)
    case 'close':
      return closeTab(state, action.page)
    case 'open':
      return openPage(state, action.page, action.since)
    case 'expire':
      return revokeTokens(state)
    case 'trim':
      return trimLog(state, action.room, action.kept)
    case 'kill':
      return killRelay(state)
    case 'restart':
      return drainRelay(state)
    case 'start':
      return startNextRelay(state, action.history)
    case 'trouble':
      return troubleRelay(state, action.milliseconds, action.isCarriedOut)
    case 'jump':
      vi.setSystemTime(Date.now() + action.milliseconds)
      return
    case 'pass':
      return pass(action.milliseconds)
    default:
      // The code of a frozen page does not run.
      if (shown && !shown.isFrozen) performInPage(state, shown, action)
  }
}

/** Performs the actions of the code of a page. */
function performInPage(state: ModelState, page: Page, action: Action): void {
  switch (action.do) {
    case 'publish':
      return publish(state, page, action.room, action.data, action.key === undefined ? {} : { key: action.key })
    case 'publish-briefly':
      return publish(state, page, action.room, 'brief', { ttl: action.ttl })
    case 'listen':
      return listen(state, page, action.room)
    case 'stop':
    case 'relisten': {
      const subscription = page.subscriptions.get(action.room)
      if (subscription) page.context.run(subscription.stop)
      if (action.do === 'stop') page.subscriptions.delete(action.room)
      else if (subscription) listen(state, page, action.room, subscription)
      return
    }
    case 'connect':
      return page.context.run(page.client.connect)
    case 'freeze':
      return freezePage(state, page)
    case 'tell':
      return page.context.happen(action.event, 'window')
    case 'tamper':
      page.tampering = action.with
  }
}
