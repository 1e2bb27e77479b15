import { createElement, type ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import { SignalProvider, useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/react/index.js'
import { describeOnServer } from '../bindings/server-suite.js'

function Component(): ReactNode {
  useSignal('A', () => undefined)
  useRefresh('A', () => undefined)
  useSendSignal()
  return useSignalStatus({ grace: 100 }).state
}

describeOnServer('React', {
  render: (client) =>
    renderToString(
      client ? createElement(SignalProvider, { client }, createElement(Component)) : createElement(Component),
    ),
})
