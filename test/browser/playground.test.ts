import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { describeInChromium, useTabs } from './chromium.js'
import { button, received, sendByForm, timeline, waitForCounter, waitForState } from './playground-page.js'
import { countSockets } from './fixtures.js'
import { type RelayProcess, startRelay } from './relay-process.js'

describeInChromium('the playground', () => {
  const tabs = useTabs()
  let relay: RelayProcess

  beforeAll(async () => {
    relay = await startRelay()
  })
  afterEach(() => tabs.checkQuiet())
  afterAll(() => relay?.kill())

  async function openOnline(): Promise<Page> {
    const page = await tabs.open(relay.page)
    await waitForState(page, 'online')
    return page
  }

  it('carries a signal from one tab to the other, and counts it', async () => {
    const [sender, receiver] = [await openOnline(), await openOnline()]

    await sendByForm(sender, 'ReportIncome', '{"userId":4711}')

    expect(await received(receiver, '4711').locator('.from').textContent()).toBe('another page')
    expect(await received(sender, '4711').locator('.from').textContent()).toBe('this page')
    await waitForCounter(sender, 'sent', 1)
    await waitForCounter(sender, 'accepted', 1)
    await waitForCounter(receiver, 'received', 1)
    await waitForCounter(receiver, 'sent', 0)
  })

  it('measures and draws the latency of its own signals', async () => {
    const page = await openOnline()

    await button(page, 'Send 20').click()

    await page.getByRole('img', { name: 'The last 20 latencies' }).waitFor()
    expect(await page.locator('#plot .dot').count()).toBe(20)
    expect(await received(page, 'Ping').first().locator('.took').textContent()).toMatch(/^[\d.]+ m?s$/)
  })

  it('hears the rooms that it listens to, and no others', async () => {
    const [sender, receiver] = [await openOnline(), await openOnline()]
    await receiver.getByLabel('Room to listen to').fill('team:7')
    await button(receiver, 'Listen').click()
    await button(receiver, 'Stop listening to main').click()

    await sendByForm(sender, 'ForMain', '')
    await sender.getByLabel('Room', { exact: true }).fill('team:7')
    await sendByForm(sender, 'ForTeam', '')

    await received(receiver, 'ForTeam').waitFor()
    expect(await received(receiver, 'ForMain').count()).toBe(0)
  })

  it('is online again by itself after its connection dropped', async () => {
    const page = await openOnline()

    await button(page, 'Drop connection').click()

    await page.getByText('connected again').first().waitFor()
    expect((await timeline(page)).slice(-4)).toEqual(['online', 'waiting', 'connecting', 'online'])
  })

  it('keeps signals while it is offline, and delivers them when it is online again', async () => {
    const [page, other] = [await openOnline(), await openOnline()]
    await button(page, 'Go offline').click()
    await waitForState(page, 'waiting')

    await sendByForm(page, 'SentOffline', '{"first":1}')
    await sendByForm(page, 'SentOffline', '{"second":2}')
    await waitForCounter(page, 'waiting', 2)
    await waitForCounter(page, 'accepted', 0)
    await button(page, 'Go online').click()

    await waitForCounter(page, 'accepted', 2)
    await waitForCounter(page, 'waiting', 0)
    await received(other, 'second').waitFor()
    expect(await received(other, 'SentOffline').locator('.signal-data').allTextContents()).toEqual([
      '{"second":2}',
      '{"first":1}',
    ])
  })

  it('says beside the form that data is not JSON, and keeps what was typed', async () => {
    const page = await openOnline()

    await sendByForm(page, 'ReportIncome', '{ "userId": }')

    await page.getByRole('alert').getByText('The data is not JSON').waitFor()
    expect(await page.getByLabel('Data').inputValue()).toBe('{ "userId": }')
    expect(await page.getByLabel('Data').getAttribute('aria-invalid')).toBe('true')
    await waitForCounter(page, 'sent', 0)

    await sendByForm(page, 'ReportIncome', '{ "userId": 1 }')
    await waitForCounter(page, 'accepted', 1)
    expect(await page.getByLabel('Data').getAttribute('aria-invalid')).toBe('false')
  })

  it('marks the field whose name is not one, and sends nothing', async () => {
    const page = await openOnline()

    await page.getByLabel('Room', { exact: true }).fill('team seven')
    await sendByForm(page, 'ReportIncome', '')

    await page.getByRole('alert').getByText('bad-name').waitFor()
    expect(await page.locator('[aria-invalid=true]').evaluateAll((fields) => fields.map(({ id }) => id))).toEqual([
      'room',
    ])
    await waitForCounter(page, 'sent', 0)
  })

  it('can be used with the keyboard alone', async () => {
    const page = await openOnline()

    await tabTo(page, 'ReportIncome')
    await page.keyboard.press('Enter')
    await waitForCounter(page, 'accepted', 1)

    await tabTo(page, 'Send signal')
    await page.keyboard.press('Space')
    await waitForCounter(page, 'accepted', 2)
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe('solid')
  })

  it('lets the keyboard walk through the whole page and out of it', async () => {
    const page = await openOnline()
    await page.evaluate(() => document.body.append(Object.assign(document.createElement('button'), { id: 'end' })))

    await tabTo(page, '')

    expect(await page.evaluate(() => document.activeElement?.id)).toBe('end')
  })

  it('shows hostile names and data as text', async () => {
    const attack = '<img src=x onerror="window.isHacked=true">'
    const [page, other] = [await openOnline(), await openOnline()]

    await sendByForm(page, attack, '')
    await page.getByRole('alert').getByText('<img src=x').waitFor()
    await sendByForm(page, 'Hostile', JSON.stringify({ [attack]: attack }))
    await page.getByLabel('Room to listen to').fill(attack)
    await button(page, 'Listen').click()
    await page.locator('#room-error').getByText('<img src=x').waitFor()

    for (const tab of [page, other]) {
      await received(tab, 'Hostile').getByText('<img src=x').waitFor()
      expect(await tab.locator('img').count()).toBe(0)
      expect(await tab.evaluate(() => 'isHacked' in window)).toBe(false)
    }
  })

  it('shows the errors of signalpost with their codes', async () => {
    const page = await tabs.open(`${relay.page}?url=ftp://example.com`)

    const problem = page.getByRole('log', { name: 'What went wrong' }).getByRole('listitem')
    expect(await problem.textContent()).toContain('bad-url')
    expect(await page.locator('#state').textContent()).toBe('Not connected')
    expect(await button(page, 'Send signal').isDisabled()).toBe(true)
  })

  it('leads to a second window with the same address', async () => {
    const page = await tabs.open(`${relay.page}?url=/signals`)
    await waitForState(page, 'online')

    const opened = page.context().waitForEvent('page')
    await page.getByRole('link', { name: 'Open a second window' }).click()

    await waitForState(await opened, 'online')
    expect((await opened).url()).toBe(page.url())
  })

  it('shows which window has the connection of all, and lets it hang', async () => {
    const first = await openOnline()
    await first.getByRole('link', { name: 'Share one connection' }).click()
    await first.getByText('This window has the connection, which one window uses').waitFor()
    const second = await tabs.open(first.url())
    await first.getByText('This window has the connection, which 2 windows use').waitFor()
    await second.getByText('Another window has the connection, which 2 windows use').waitFor()

    await button(first, 'Hang for 5 seconds').click()

    await second.getByText('This window has the connection, which 2 windows use').waitFor()
    await first.getByText('Another window has the connection, which 2 windows use').waitFor()
    expect(await countSockets(relay)).toEqual({ connections: 2, sockets: 1 })
    await first.getByRole('link', { name: 'Connect each window by itself' }).click()
    await second.getByText('This window has the connection, which one window uses').waitFor()
  })

  it.each([320, 360])('keeps head, address and counters in line on a phone of %i pixels', async (width) => {
    const page = await openOnline()
    await page.setViewportSize({ width, height: 700 })

    const tops = await page.evaluate(() =>
      ['.top > .brand, .top > .button', '#counters > *'].map((selector) =>
        [...document.querySelectorAll<HTMLElement>(selector)].map((each) => each.offsetTop + each.offsetHeight / 2),
      ),
    )
    for (const row of tops) expect(Math.max(...row) - Math.min(...row)).toBeLessThan(3)
    // Where a line ends, in the text of the address.
    const lines = await page.locator('#url').evaluate((url) =>
      [...url.childNodes]
        .filter((node) => node instanceof Text)
        .map((node) => {
          const range = document.createRange()
          range.selectNodeContents(node)
          return range.getClientRects().length
        }),
    )
    expect(new Set(lines)).toEqual(new Set([1]))
  })

  it('fits a phone without scrolling sideways', async () => {
    const page = await openOnline()
    await sendByForm(page, 'ReportIncome', JSON.stringify({ text: 'x'.repeat(500) }))
    await page.locator('#plot .dot').waitFor()

    await page.setViewportSize({ width: 320, height: 700 })

    await page.waitForFunction(
      () => document.querySelector('#plot svg')?.clientWidth === document.querySelector('#plot')?.clientWidth,
    )
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
  })
})

/** Presses Tab until the focus is on the control with this text. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab')
    const isThere = await page.evaluate(
      (wanted) =>
        document.activeElement?.tagName === 'BUTTON' &&
        (wanted === '' ? document.activeElement.id === 'end' : document.activeElement.textContent.startsWith(wanted)),
      text,
    )
    if (isThere) return
  }
  throw new Error(`The Tab key does not lead to "${text}".`)
}
