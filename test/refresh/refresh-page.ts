import { vi } from 'vitest'
import { createSignalClient, type SignalClient, type SignalError } from '../../src/index.js'
import { type RefreshAction, type RefreshEventDetail, refreshOn, type RefreshOptions } from '../../src/refresh/index.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'

/** A page on fake time that is connected to a relay, and notes what its refreshes do. */
export async function openPage() {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const relay = startMockRelay()
  const errors: SignalError[] = []
  const phases: string[] = []
  const onRefresh = ({ detail }: CustomEvent<RefreshEventDetail>): void => {
    phases.push(`${detail.phase} ${detail.names.join()} ${detail.coalesced}`)
  }
  document.addEventListener('signalpost:refresh', onRefresh as (event: Event) => void)
  const client: SignalClient = createSignalClient({ url: RELAY_URL })
  // In the room before the test begins.
  client.receiveSignal('*', () => undefined)
  await pass()

  return {
    relay,
    client,
    errors,
    phases,
    /** Refreshes on `ReportIncome` unless told otherwise. */
    refresh(action: RefreshAction, options?: RefreshOptions, names: string | string[] = 'ReportIncome') {
      return refreshOn(names, action, { onError: (error) => errors.push(error), ...options })
    },
    async close() {
      client.close()
      await pass()
      document.removeEventListener('signalpost:refresh', onRefresh as (event: Event) => void)
      document.body.replaceChildren()
      sessionStorage.clear()
      // The note of a last page that has nothing to say.
      sessionStorage.setItem('signalpost refresh', '{}')
      setVisibility('visible')
      relay.stop()
      const timers = vi.getTimerCount()
      vi.useRealTimers()
      return timers
    },
  }
}

export function setVisibility(state: 'visible' | 'hidden'): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state)
  document.dispatchEvent(new Event('visibilitychange'))
}
