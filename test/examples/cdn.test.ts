import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInChromium, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { readUmd, serve, type StaticServer } from '../browser/static-server.js'

describeInChromium('examples/cdn', () => {
  const tabs = useTabs()
  let relay: RelayProcess
  let server: StaticServer

  beforeAll(async () => {
    relay = await startRelay()
    const html = await readFile(new URL('../../examples/cdn/index.html', import.meta.url), 'utf8')
    server = await serve({
      '/': html.replace('ws://localhost:8081/signals', relay.url),
      '/signalpost.min.js': await readUmd(),
    })
  })
  afterAll(async () => {
    await server?.close()
    await relay?.kill()
  })

  it('refreshes the report in both tabs when one of them saves', async () => {
    const [form, report] = [await tabs.open(server.page), await tabs.open(server.page)]
    for (const tab of [form, report]) await tab.locator('#status', { hasText: 'online' }).waitFor()

    await form.getByLabel('Amount').fill('250')
    await form.getByRole('button', { name: 'Save' }).click()

    await report.getByRole('listitem').getByText('250').waitFor()
    await form.getByRole('listitem').getByText('250').waitFor()
    expect(tabs.complaints).toEqual([])
  })
})
