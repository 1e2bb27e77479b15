import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
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

const PAGE = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Report</title>
<h1>Report</h1>
<button id="save">Save</button>
<script src="/signalpost.min.js" data-inspect></script>
<script src="/app.js"></script>`

describeInChromium('the inspector', () => {
  const tabs = useTabs()
  const asked: string[] = []
  let relay: RelayProcess
  let server: StaticServer

  beforeEach(async () => {
    asked.length = 0
    relay = await startRelay()
    const app = `
      Signalpost.createSignalClient({ url: '${relay.url}' })
      document.getElementById('save').onclick = () => Signalpost.sendSignal('ReportIncome', { iban: 'DE02' })
    `
    const files = {
      '/': PAGE,
      '/app.js': app,
      '/signalpost.min.js': await readUmd(),
      '/signalpost-inspector.js': await readFile(
        new URL('../../dist/umd/signalpost-inspector.js', import.meta.url),
        'utf8',
      ),
    }
    server = await serve(files, { 'Content-Security-Policy': POLICY }, ({ url }) => {
      asked.push(url ?? '')
      return false
    })
  })

  afterEach(async () => {
    await server.close()
    await relay.kill()
  })

  async function open(): Promise<Page> {
    const page = await tabs.open(`${server.page}?signalpost-inspect`)
    await page.getByText('status: online').waitFor()
    return page
  }

  it('is fetched, from beside the script, only by a page whose address asks for it', async () => {
    const page = await tabs.open(server.page)
    await page.getByText('Save').click()
    await page.waitForFunction(() => window.Signalpost.getPageClient()?.status.state === 'online')
    const before = [...asked]

    await page.goto(`${server.page}?signalpost-inspect`)
    await page.getByRole('region', { name: 'Signal inspector' }).waitFor()

    expect(before).not.toContain('/signalpost-inspector.js')
    expect(asked).toContain('/signalpost-inspector.js')
  })

  it('shows under a strict content policy what the page does, without the data', async () => {
    const page = await open()

    await page.getByText('Save').click()
    await page.getByText('sent: ReportIncome is accepted').waitFor()
    const text = await page.getByRole('region').innerText()

    expect(text).toMatch(/Sent\s+1\s+Accepted\s+1/)
    expect(text).not.toContain('DE02')
    expect(tabs.complaints).toEqual([])
  })

  it('shows the rooms that the address names', async () => {
    const page = await tabs.open(`${server.page}?signalpost-inspect=team:7,team:8`)
    await page.getByText('status: online').waitFor()

    await page.evaluate(async () => {
      await window.Signalpost.sendSignal('Elsewhere')
      await window.Signalpost.sendSignal('Moved', null, { room: 'team:8' })
    })
    await page.getByText('received: Moved in team:8 from this page').waitFor()

    expect(await page.getByText('received:').allInnerTexts()).toHaveLength(1)
  })

  it('copies the report', async () => {
    const page = await open()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])

    await page.getByRole('button', { name: 'Copy report' }).click()
    await page.getByText('Copied.').waitFor()

    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(`page: ${server.page}\n`)
  })

  it('can be used with the keyboard alone: every control is reached, and Escape leads back', async () => {
    const page = await open()
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const element = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement
        return element?.closest('label')?.textContent ?? element?.textContent ?? ''
      })

    await page.getByText('Save').focus()
    const reached: string[] = []
    for (let count = 0; count < 4; count++) {
      await page.keyboard.press('Tab')
      reached.push(await focused())
    }
    await page.keyboard.press('Escape')

    expect(reached).toEqual(['Copy report', 'Close', 'Timeline', 'Show data'])
    expect(await focused()).toBe('Save')
    expect(await page.locator('signalpost-inspector').count()).toBe(0)
  })

  it.each(['light', 'dark'] as const)('has enough contrast for small text on a %s page', async (colorScheme) => {
    const page = await open()
    await page.emulateMedia({ colorScheme })

    const contrasts = await page.locator('signalpost-inspector').evaluate((host) => {
      const luminance = (color: string): number => {
        const parts = (color.match(/[\d.]+/g) ?? []).map((part) => Number(part) / 255)
        const [r = 0, g = 0, b = 0] = parts.map((part) =>
          part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
        )
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const backOf = (element: Element | null | undefined): string => {
        const color = element ? getComputedStyle(element).backgroundColor : 'rgb(255, 255, 255)'
        return color === 'rgba(0, 0, 0, 0)' ? backOf(element?.parentElement) : color
      }
      const texts = [...(host.shadowRoot?.querySelectorAll('h2, button, dt, dd, summary, time, li, label') ?? [])]
      return texts.map((element) => {
        const pair = [luminance(getComputedStyle(element).color), luminance(backOf(element))]
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)
      })
    })

    expect(contrasts.length).toBeGreaterThan(20)
    expect(Math.min(...contrasts)).toBeGreaterThan(4.5)
  })

  it('fits a phone, and is hidden from its own page', async () => {
    const page = await open()
    await page.setViewportSize({ width: 320, height: 640 })
    await page.getByText('Save').click()

    const box = await page.getByRole('region').boundingBox()
    const isWider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)

    expect(box).toMatchObject({ x: 0, width: 320 })
    expect(box?.height).toBeLessThan(640 * 0.62)
    expect(isWider).toBe(false)
    expect(await page.evaluate(() => document.querySelectorAll('dl, ol').length)).toBe(0)
  })
})
