import { createSignalClient, onSignalStatus } from 'signalpost'

declare module 'signalpost' {
  interface SignalRegistry {
    ReportIncome: { userId: number }
    RefreshDashboard: void
  }
}

/** Every page of the application calls this once; `sendSignal` and `receiveSignal` then work anywhere. */
export function connect(): void {
  const output = document.querySelector('#status')
  createSignalClient()
  onSignalStatus(({ state }) => output?.replaceChildren(state))
}
