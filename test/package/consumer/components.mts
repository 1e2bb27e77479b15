import * as react from 'signalpost/react'
import * as solid from 'signalpost/solid'
import * as svelte from 'signalpost/svelte'
import * as vue from 'signalpost/vue'

// The registry of registry.mts rules the bindings as well.
for (const { useSignal, useRefresh, useSendSignal } of [react, solid, svelte, vue]) {
  useSignal('PriceChanged', ({ sku }, { sender }) => console.info(sku.length, sender.user))
  useSignal('StockCounted', (data) => console.info(data satisfies undefined))
  useRefresh(['PriceChanged', 'StockCounted'], ({ signal }) => console.info(signal.aborted))
  const sendSignal = useSendSignal()
  void sendSignal('PriceChanged', { sku: 'a' })
  void sendSignal('StockCounted')
  // @ts-expect-error: the data is of the wrong type
  void sendSignal('PriceChanged', { sku: 1 })
  // @ts-expect-error: the name is not in the registry
  useSignal('PriceChange', () => undefined)
  // @ts-expect-error: the name is not in the registry
  useRefresh('PriceChange', () => undefined)
}
