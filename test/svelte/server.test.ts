import { render } from 'svelte/server'
import { useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/svelte/index.js'
import { describeOnServer } from '../bindings/server-suite.js'
import Provider from './Provider.svelte'

function use(): ReturnType<typeof useSignalStatus> {
  useSignal('A', () => undefined)
  useRefresh('A', () => undefined)
  useSendSignal()
  return useSignalStatus({ grace: 100 })
}

describeOnServer('Svelte', {
  render: (client) => render(Provider, { props: { use, client } }).body,
})
