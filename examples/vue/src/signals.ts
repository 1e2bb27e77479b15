import { createSignalClient } from 'signalpost'

declare module 'signalpost' {
  interface SignalRegistry {
    ReportIncome: { userId: number }
  }
}

/** Every page calls this once, before it mounts its application. */
export function connect(): void {
  createSignalClient()
}
