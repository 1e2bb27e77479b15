import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInChromium, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { compileExample, folderOf, openViteSite, type ViteSite } from './vite-site.js'

describeInChromium('examples/bundled', () => {
  const tabs = useTabs()
  let relay: RelayProcess
  let site: ViteSite

  beforeAll(async () => {
    relay = await startRelay()
    site = await openViteSite('bundled', relay)
  })
  afterAll(async () => {
    await site?.close()
    await relay?.kill()
  })

  it('refreshes the report in one tab when the form in another one saves', async () => {
    const report = await tabs.open(`${site.origin}/report.html`)
    const form = await tabs.open(`${site.origin}/index.html`)
    for (const tab of [form, report]) await tab.locator('#status', { hasText: 'online' }).waitFor()

    await form.getByLabel('Amount').fill('250')
    await form.getByRole('button', { name: 'Save' }).click()

    await form.locator('#outcome', { hasText: 'accepted' }).waitFor()
    expect(await report.getByRole('listitem').textContent()).toBe('250')
    expect(tabs.complaints).toEqual([])
  })

  it('compiles against the built types', async () => {
    expect(await compileExample('bundled')).toBe('')
  })

  it('does not compile with a misspelt name or with wrong data', async () => {
    const output = await compileExample(
      'bundled',
      `
      import { sendSignal } from 'signalpost'
      import '${folderOf('bundled')}/src/signals'
      void sendSignal('ReportIncom', { userId: 1 })
      void sendSignal('ReportIncome', { userId: '1' })
    `,
    )

    expect(output.match(/error TS\d+/g)).toEqual(['error TS2345', 'error TS2322'])
  })
})
