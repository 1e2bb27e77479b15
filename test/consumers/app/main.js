import { createSignalClient, receiveSignal, sendSignal } from 'signalpost'
import { refreshOn } from 'signalpost/refresh'

createSignalClient({ url: new URLSearchParams(location.search).get('relay') })
receiveSignal('ReportIncome', ({ userId }) => {
  document.title = `got ${userId}`
})
refreshOn('Another', () => undefined)
void sendSignal('ReportIncome', { userId: 123 })
