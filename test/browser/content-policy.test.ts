import { afterEach, expect, it } from 'vitest'
import { describeInChromium, useTabs } from './chromium.js'
import { type RelayProcess, startRelay } from './relay-process.js'
import { readUmd, serve, type StaticServer } from './static-server.js'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  'connect-src ws:',
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const PAGE =
  '<!doctype html><script src="/signalpost.min.js"></script><script src="/app.js"></script><p id="heard"></p>'

describeInChromium('the script-tag build under a strict content policy', () => {
  const tabs = useTabs()
  let relay: RelayProcess | undefined
  let server: StaticServer | undefined

  afterEach(async () => {
    await server?.close()
    await relay?.kill()
  })

  it('S49 needs no eval, no inline code and no Trusted Types policy', async () => {
    relay = await startRelay()
    const app = `
      Signalpost.createSignalClient({ url: '${relay.url}' })
      Signalpost.receiveSignal('ReportIncome', ({ userId }) => (document.getElementById('heard').textContent = userId))
      Signalpost.sendSignal('ReportIncome', { userId: 4711 })
    `
    server = await serve(
      { '/': PAGE, '/app.js': app, '/signalpost.min.js': await readUmd() },
      { 'Content-Security-Policy': POLICY },
    )

    const page = await tabs.open(server.page)

    await page.getByText('4711').waitFor()
    expect(tabs.complaints).toEqual([])
  })
})
