import { vi } from 'vitest'
import { ROOMS, type Action } from '../actions.js'
import { removeFakeBrowser } from '../fake-browser.js'
import { pass, settlePromises } from '../virtual-time.js'
import { checkAlways, checkAnswered, checkDelivered, checkOnlinePages, waitForRest } from './checks.js'
import { connectPage } from './network.js'
import { closeTab, destroyKeptPage, resumePage, showNextPage } from './page-life-cycle.js'
import { perform } from './perform.js'
import type { Tally } from './records.js'
import { calmRelay, issueToken, startNextRelay, startRelay } from './relay-life-cycle.js'
import { publish } from './signals.js'
import { createState, fail, shownPages, UNLIMITED_HISTORY, type ModelOptions, type ModelState } from './state.js'

export interface Model {
  act(action: Action): Promise<void>
  /** Ends every fault, lets everything arrive and checks that nothing is owed. */
  rest(): Promise<void>
  /** Closes everything and checks that nothing stays behind. */
  end(): Promise<void>
  readonly tally: Tally
}

/** Pages with the real client, and a relay of the real parts, on virtual time. Every step ends with checks. */
export function createModel(options: ModelOptions): Model {
  const state = createState(options)
  vi.stubGlobal('WebSocket', function WebSocket(url: string) {
    return connectPage(state, url)
  })
  startRelay(state, options.history)

  return {
    tally: state.tally,
    async act(action) {
      await perform(state, action)
      await settlePromises()
      checkAlways(state)
    },
    rest: () => rest(state),
    end: () => end(state),
  }
}

async function rest(state: ModelState): Promise<void> {
  endFaults(state)
  await checkOnlinePages(state)
  for (const { status, context, client } of shownPages(state)) {
    if (status.state === 'closed') context.run(() => client.setToken(() => issueToken(state)))
  }
  // A lost answer on a live connection, or a dead connection that looks open, would take minutes.
  for (const page of shownPages(state)) {
    page.tampering = undefined
    page.connections.at(-1)?.cut()
  }
  await waitForRest(state)
  for (const page of shownPages(state)) for (const room of ROOMS) publish(state, page, room, 'last')
  await waitForRest(state)
  checkAnswered(state, shownPages(state))
  checkDelivered(state, shownPages(state))
  const rescued = [...state.signals.values()].filter((sent) => sent.isLeft && sent.positions.length > 0)
  state.tally.rescued += rescued.length
  checkAlways(state)
}

/** Shows a page in every tab, and starts a relay that keeps everything. */
function endFaults(state: ModelState): void {
  calmRelay(state)
  for (const [slot, tab] of state.tabs.entries()) {
    if (tab) destroyKeptPage(state, tab)
    showNextPage(state, slot, 'navigation')
  }
  for (const page of shownPages(state)) {
    resumePage(page)
    page.tampering = undefined
  }
  startNextRelay(state, UNLIMITED_HISTORY)
}

async function end(state: ModelState): Promise<void> {
  const { pages, signals, relay, everyPage } = state
  for (const slot of pages.keys()) closeTab(state, slot)
  await settlePromises()
  const open = [...signals.values()].filter(({ timesSettled }) => timesSettled !== 1)
  if (open.length > 0) fail(state, `${open.length} promises did not settle with close()`)
  relay.current?.kill()
  for (const page of everyPage) for (const connection of page.connections) connection.cut()
  // A graceful restart that is still under way ends by itself.
  await pass(10_000)
  if (vi.getTimerCount() > 0) fail(state, `LEAK: ${vi.getTimerCount()} timers stay behind`)
  checkAlways(state)
  vi.unstubAllGlobals()
  removeFakeBrowser()
}
