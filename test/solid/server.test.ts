import { createComponent } from 'solid-js'
import { renderToString } from 'solid-js/web'
import { SignalProvider, useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/solid/index.js'
import { describeOnServer } from '../bindings/server-suite.js'

function Component(): string {
  useSignal('A', () => undefined)
  useRefresh('A', () => undefined)
  useSendSignal()
  return useSignalStatus({ grace: 100 })().state
}

describeOnServer('Solid', {
  render: (client) =>
    renderToString(() =>
      client
        ? createComponent(SignalProvider, {
            client,
            get children() {
              return createComponent(Component, {})
            },
          })
        : createComponent(Component, {}),
    ),
})
