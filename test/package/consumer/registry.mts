import { createSignalClient, receiveSignal, sendSignal } from 'signalpost'
import { refreshOn, reloadPage, replaceElement } from 'signalpost/refresh'
import { bindHtml } from 'signalpost/html'

declare module 'signalpost' {
  interface SignalRegistry {
    PriceChanged: { sku: string }
    StockCounted: void
  }
}

createSignalClient({ url: 'wss://relay.example.com/signals' })
void sendSignal('PriceChanged', { sku: 'a' })
void sendSignal('StockCounted')
receiveSignal('PriceChanged', ({ sku }, { sender }) => console.info(sku.length, sender.user))
// @ts-expect-error: the data is of the wrong type
void sendSignal('PriceChanged', { sku: 1 })
// @ts-expect-error: the data is required
void sendSignal('PriceChanged')
// @ts-expect-error: the name is not in the registry
void sendSignal('PriceChange', { sku: 'a' })
// @ts-expect-error: there is no such name to receive
receiveSignal('StockCount', () => undefined)

bindHtml()
document.addEventListener('signal:PriceChanged', ({ detail, signal }) => console.info(detail.sku, signal.sender.user))
document.addEventListener('signal:StockCounted', ({ detail }) => {
  const nothing: null = detail
  return nothing
})
// @ts-expect-error: there is no such event
document.addEventListener('signal:PriceChange', ({ detail }) => console.info(detail))
refreshOn('PriceChanged', replaceElement('#prices'), { where: ({ data }) => data.sku === 'a' })
refreshOn(['PriceChanged', 'StockCounted'], reloadPage())
// @ts-expect-error: there is no such name to react to
refreshOn('StockCount', reloadPage())
