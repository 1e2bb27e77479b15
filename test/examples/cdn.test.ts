import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInChromium, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'

const SERVER = fileURLToPath(new URL('../../examples/cdn/server.mjs', import.meta.url))

describeInChromium('examples/cdn', () => {
  const tabs = useTabs()
  let relay: RelayProcess
  let site: ReturnType<typeof spawn>
  let address: string

  beforeAll(async () => {
    relay = await startRelay()
    const env = { ...process.env, PORT: '0', RELAY_URL: relay.url }
    site = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    address = await firstLine(site)
  })
  afterAll(async () => {
    site?.kill()
    await relay?.kill()
  })

  it('refreshes the report in both tabs when one of them saves, and leaves alone what is typed in the other', async () => {
    const [form, report] = [await tabs.open(address), await tabs.open(address)]
    for (const tab of [form, report]) await tab.locator('output', { hasText: 'online' }).waitFor()
    await report.getByLabel('Amount').fill('77')

    for (const [index, amount] of ['250', '300'].entries()) {
      await form.getByLabel('Amount').fill(amount)
      await form.getByRole('button', { name: 'Save' }).click()
      for (const tab of [form, report]) await tab.locator('tbody tr').nth(index).getByText(amount).waitFor()
    }

    for (const tab of [form, report]) await tab.locator('tfoot td', { hasText: '550' }).waitFor()
    expect([await report.getByLabel('Amount').inputValue(), tabs.complaints]).toEqual(['77', []])
  })

  it('refreshes receive.html when send.html calls sendSignal, with data and without', async () => {
    const [sender, receiver] = [await tabs.open(`${address}send.html`), await tabs.open(`${address}receive.html`)]
    for (const tab of [sender, receiver]) await tab.locator('output', { hasText: 'online' }).waitFor()

    for (const name of ['Say it', 'Say it with data']) {
      const reloaded = receiver.waitForEvent('load')
      await sender.getByRole('button', { name, exact: true }).click()
      await reloaded
      await receiver.locator('output', { hasText: 'online' }).waitFor()
    }

    expect(tabs.complaints).toEqual([])
  })

  it('loses nothing that is saved while the relay is away', async () => {
    const [form, report] = [await tabs.open(address), await tabs.open(address)]
    for (const tab of [form, report]) await tab.locator('output', { hasText: 'online' }).waitFor()

    await relay.kill()
    await form.getByLabel('Amount').fill('1000')
    await form.getByRole('button', { name: 'Save' }).click()
    await form.locator('td', { hasText: /^1000$/ }).waitFor()
    await relay.start()

    await report.locator('td', { hasText: /^1000$/ }).waitFor()
    expect(await report.locator('output').textContent()).toBe('online')
  })
})

async function firstLine({ stdout }: ReturnType<typeof spawn>): Promise<string> {
  if (stdout) for await (const line of createInterface(stdout)) return line
  throw new Error('The site did not start.')
}
