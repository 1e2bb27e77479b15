import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { join } from '../relay/protocol-client.js'
import { describeInChromium, useTabs } from './chromium.js'
import { type RelayProcess, startRelay } from './relay-process.js'

const KEY = 'the-key-of-the-operator'
const ATTACK = '<img src=x onerror="window.isHacked=true">'

describeInChromium('the dashboard', () => {
  const tabs = useTabs()
  let relay: RelayProcess

  beforeAll(async () => {
    relay = await startRelay('--dashboard-key', KEY)
  })
  afterEach(() => tabs.checkQuiet())
  afterAll(() => relay?.kill())

  async function logIn(page: Page, key = KEY): Promise<void> {
    await page.getByLabel('Key of the dashboard').fill(key)
    await page.getByRole('button', { name: 'Open' }).click()
  }

  async function openDashboard(): Promise<Page> {
    const page = await tabs.open(`${relay.page}dashboard`)
    await logIn(page)
    await page.locator('#state', { hasText: 'ready' }).waitFor()
    return page
  }

  const figure = (page: Page, name: string) => page.locator(`[data-figure=${name}] dd`)

  it('asks for the key, and opens to no other', async () => {
    const page = await tabs.open(`${relay.page}dashboard`)
    await logIn(page, 'not-the-key')
    await page.getByRole('alert').getByText('This is not the key').waitFor()
    // Browsers note every answer of this kind.
    expect(tabs.complaints.splice(0)).toEqual([expect.stringContaining('403')])
    await logIn(page)
    await page.locator('#state', { hasText: 'ready' }).waitFor()
    const cookies = await page.context().cookies()
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict', path: '/dashboard' }])
    expect(await page.evaluate(() => document.cookie)).toBe('')
  })

  it('shows connections, rooms, signals and refusals, and keeps the data back until it is asked for', async () => {
    const page = await openDashboard()
    const client = await join(relay.url)
    client.signal('ReportIncome', { iban: 'DE00 1234' })
    client.signal('*')
    const row = page.locator('#signals li', { hasText: 'ReportIncome' })
    await row.first().waitFor()
    await page.locator('#refusals li', { hasText: 'bad-name' }).first().waitFor()
    await figure(page, 'connections').getByText('1', { exact: true }).waitFor()
    await page.locator('#rooms li', { hasText: 'main' }).waitFor()
    await page.locator('#reasons li', { hasText: /^bad-name \d+$/ }).waitFor()
    await page.locator('#instances tr', { hasText: 'ready' }).waitFor()
    expect(await page.content()).not.toContain('DE00')
    await page.getByLabel('Show data').check()
    await page.getByText('DE00 1234').first().waitFor()
    await page.getByLabel('Show data').uncheck()
    await page.getByText('DE00 1234').first().waitFor({ state: 'detached' })
  })

  it('draws the signals of the last minutes', async () => {
    const page = await openDashboard()
    const client = await join(relay.url)
    for (let number = 0; number < 20; number += 1) client.signal('Tick', number)
    await page.locator('#in-peak', { hasText: /peak (1\d|2\d)/ }).waitFor()
    const line = await page.locator('#in-chart .line').getAttribute('d')
    expect(line?.split('L').length).toBeGreaterThan(1)
    expect(await page.locator('#out-chart title').textContent()).toMatch(/at most in five minutes/)
  })

  it('shows what clients sent as text', async () => {
    const page = await openDashboard()
    await page.getByLabel('Show data').check()
    const client = await join(relay.url)
    client.signal('Hostile', { [ATTACK]: ATTACK })
    await page.locator('#signals code', { hasText: '<img src=x' }).first().waitFor()
    expect(await page.locator('#signals img').count()).toBe(0)
    expect(await page.evaluate(() => 'isHacked' in window)).toBe(false)
  })

  it('says when the relay cannot be reached, and shows it again when it is back', async () => {
    const page = await openDashboard()
    await page.context().setOffline(true)
    await page.locator('#state', { hasText: 'unreachable' }).waitFor()
    await page.context().setOffline(false)
    await page.locator('#state', { hasText: 'ready' }).waitFor()
    expect(tabs.complaints.splice(0).every((text) => text.includes('ERR_INTERNET_DISCONNECTED'))).toBe(true)
  })

  it('is closed again after logging out', async () => {
    const page = await openDashboard()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Key of the dashboard').waitFor()
    const status = await page.evaluate(async () => (await fetch('/dashboard/state')).status)
    expect(status).toBe(401)
    expect(tabs.complaints.splice(0)).toEqual([expect.stringContaining('401')])
  })

  it.each([
    { name: 'the smallest phone', width: 320, height: 568 },
    { name: 'a small phone', width: 360, height: 640 },
    { name: 'a phone', width: 390, height: 844 },
    { name: 'a desk', width: 1280, height: 900 },
    { name: 'a wall screen', width: 1920, height: 1080 },
  ])('fits $name: nothing is cut off or has to be scrolled sideways', async ({ name, width, height }) => {
    const page = await openDashboard()
    await page.setViewportSize({ width, height })
    const client = await join(relay.url)
    client.signal('AVeryLongNameOfASignalThatSomebodyMadeUp.AndThatGoesOnAndOn:'.repeat(2), 'x'.repeat(300))
    await page.getByLabel('Show data').check()
    await page.locator('#signals code', { hasText: 'xxx' }).first().waitFor()
    await page.locator('#instances tr').first().waitFor()
    const { inside, scrollWidth, scrollHeight } = await page.evaluate(() => ({
      inside: [...document.querySelectorAll('.panel')]
        .filter((panel) => panel.scrollWidth > panel.clientWidth)
        .map(({ className }) => className),
      scrollWidth: document.documentElement.scrollWidth,
      scrollHeight: document.documentElement.scrollHeight,
    }))
    expect(scrollWidth).toBeLessThanOrEqual(width)
    expect(inside).toEqual([])
    // On a wall there is nobody who could scroll.
    expect(scrollHeight <= height || name !== 'a wall screen').toBe(true)
  })
})

describeInChromium('the pages of a relay below a base', () => {
  const tabs = useTabs()
  let relay: RelayProcess

  beforeAll(async () => {
    relay = await startRelay('--dashboard-key', KEY, '--base', '/live')
  })
  afterEach(() => tabs.checkQuiet())
  afterAll(() => relay?.kill())

  it('find their files, forms and cookie there', async () => {
    const page = await tabs.open(`${relay.page}dashboard`)
    const key = page.getByLabel('Key of the dashboard')
    for (const attempt of ['not-the-key', KEY]) {
      await key.fill(attempt)
      await page.getByRole('button', { name: 'Open' }).click()
      if (attempt !== KEY) await page.getByRole('alert').getByText('This is not the key').waitFor()
    }
    expect(tabs.complaints.splice(0)).toEqual([expect.stringContaining('403')])
    await page.locator('#state', { hasText: 'ready' }).waitFor()
    expect(await page.context().cookies()).toMatchObject([{ path: '/live/dashboard' }])
    await page.getByRole('button', { name: 'Log out' }).click()
    await key.waitFor()
    expect(await page.context().cookies()).toEqual([])
  })

  it('are a test page that connects there', async () => {
    const page = await tabs.open(relay.page.replace(/\/$/, ''))
    await page.waitForSelector('#connection[data-state=online]')
    expect(await page.locator('#url').textContent()).toBe(relay.url)
  })
})
