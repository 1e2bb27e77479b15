// @vitest-environment node
import { expect, it } from 'vitest'
import { createSignalClient } from '../../src/index.js'
import { refreshOn, reloadPage, replaceElement, submitForm } from '../../src/refresh/index.js'

it('a server that renders a page can register its refreshes, which do nothing there (G12)', () => {
  const client = createSignalClient({ url: 'wss://relay.example.com/signals' })
  const actions = [reloadPage(), submitForm('#filter'), replaceElement('#report')]
  const stops = actions.map((action) => refreshOn('ReportIncome', action, { client }))
  for (const stop of stops) stop()
  client.close()
  expect([typeof document, stops.length]).toEqual(['undefined', 3])
})
