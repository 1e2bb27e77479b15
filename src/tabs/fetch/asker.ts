import { createId } from '../../protocol/id.js'
import type { FetchNeeds } from '../../refresh/index.js'
import type { HolderMessage, Question } from './messages.js'
import type { SharedResponse } from './shared-response.js'

/** How often a tab asks (ms). */
const INTERVAL = 1000
/** A tab asks so many times in vain. */
const MAX_IN_VAIN = 2

export interface AskerOptions {
  readonly needs: FetchNeeds
  readonly post: (question: Question) => void
  readonly onResponse: (response: SharedResponse, startedAt: number) => void
  /** The tab that has the lock does not answer. */
  readonly onSilent: () => void
  /** The tab that has the lock goes on with a request that is too old. */
  readonly onOutdated: () => void
  /** Ends the questions on abort. */
  readonly signal: AbortSignal
}

/** Asks the tab that has the lock for its response, until it is there. Returns the function that takes the answers. */
export function askForResponse({
  needs,
  post,
  onResponse,
  onSilent,
  onOutdated,
  signal,
}: AskerOptions): (message: HolderMessage) => void {
  const tab = createId()
  let asked = 0
  let isOutdated = false

  function ask(): void {
    asked += 1
    post({ type: 'question', tab, now: performance.now(), changedAt: needs.changedAt })
  }

  function check(): void {
    if (asked < MAX_IN_VAIN) ask()
    else if (isOutdated) onOutdated()
    else onSilent()
  }

  const timer = setInterval(check, INTERVAL)
  signal.addEventListener('abort', () => clearInterval(timer))
  ask()

  return (message) => {
    const isStart = message.type === 'started'
    const startedAt = isStart ? Infinity : message.startedAt[tab]
    if (startedAt === undefined) return
    isOutdated = startedAt <= needs.changedAt
    if (!isOutdated) asked = 0
    if (isStart) ask()
    else if (message.response && isOutdated) ask()
    else if (message.response) onResponse(message.response, startedAt)
  }
}
