import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { createLatch } from '../relay/latch.js'
import { describeInChromium, useTabs } from './chromium.js'
import { join } from './fixtures.js'
import { openHtmlSite } from './html-site.js'

const TAG = '<script src="/signalpost.min.js" data-url="$relay"></script>'
const HEAD = `<!doctype html><meta charset="utf-8"><title>$count</title>`

/** A form in an element that each signal refreshes; `data-n` says how often something was saved when it was rendered. */
const report = (content: string): string =>
  `<section id="report" data-n="$count" data-signal-refresh="Saved"><form id="form" action="/next">${content}</form></section>`

describeInChromium('what a user types', () => {
  const tabs = useTabs()

  async function open(html: string, pages: Readonly<Record<string, string>> = {}) {
    const site = await openHtmlSite({ '/': HEAD + html, '/next': '<!doctype html><title>Next</title>', ...pages })
    const other = await join(site.relay)
    const page = await tabs.open(site.page)
    return { site, page, send: () => other.send('Saved', null) }
  }

  const waitForOnline = (page: Page): Promise<unknown> =>
    page.waitForFunction('globalThis.Signalpost?.getPageClient()?.status.state === "online"')

  /** Refreshes the page's element. */
  async function refresh({ site, page, send }: Awaited<ReturnType<typeof open>>): Promise<void> {
    site.count += 1
    await send()
    await expect.poll(() => page.locator('#report').getAttribute('data-n')).toBe(String(site.count))
  }

  it.each([
    ['number', '12', '34'],
    ['email', 'ab', 'cd'],
    ['text', 'ab', 'cd'],
  ])('goes on in a field of the type %s that was refreshed meanwhile', async (type, first, rest) => {
    const opened = await open(TAG + report(`<label>Field <input name="field" type="${type}"></label>`))
    await waitForOnline(opened.page)
    await opened.page.locator('input').click()
    await opened.page.keyboard.type(first)
    await refresh(opened)
    await opened.page.keyboard.type(rest)
    expect(await opened.page.locator('input').inputValue()).toBe(first + rest)
  })

  it.each([
    ['a date', '<input name="field" type="date">', '0102', '2025', '2025-01-02'],
    ['a number', '<input name="field" type="number" value="5">', 'e', '3', '5e3'],
  ])('in part of %s holds its refresh back', async (_what, field, first, rest, whole) => {
    const { site, page, send } = await open(TAG + report(field))
    await waitForOnline(page)
    await page.locator('input').focus()
    await page.keyboard.press(whole === '5e3' ? 'End' : 'Home')
    await page.keyboard.type(first)
    site.count += 1
    await send()
    await page.locator('signalpost-notice').waitFor({ state: 'attached' })
    await page.keyboard.type(rest)
    expect(await page.locator('input').inputValue()).toBe(whole)
  })

  it.each([
    ['a question is answered with No', 'onsubmit="return false"'],
    ['the form opens another window', 'target="_blank"'],
  ])('stays after a submit where %s', async (_what, attribute) => {
    const opened = await open(
      TAG + report('<input name="field"><button>Save</button>').replace('<form', `<form ${attribute}`),
    )
    await waitForOnline(opened.page)
    await opened.page.locator('input').fill('My comment')
    await opened.page.locator('button').click()
    await refresh(opened)
    expect(await opened.page.locator('input').inputValue()).toBe('My comment')
  })

  it('stays where the page is restored from history without the back/forward cache', async () => {
    const html = `${TAG}<script>addEventListener('unload', () => {})</script>`
    const opened = await open(html + report('<textarea name="field"></textarea>'))
    const { page } = opened
    await waitForOnline(page)
    await page.locator('textarea').click()
    await page.keyboard.type('My comment')
    await page.evaluate(`location = '/next'`)
    await page.waitForURL('**/next')
    await page.goBack()
    await waitForOnline(page)
    await refresh(opened)
    expect(await page.locator('textarea').inputValue()).toBe('My comment')
  })

  it('before the script has come stays, too', async () => {
    const site = await openHtmlSite({
      '/': `${HEAD}${TAG.replace('<script', '<script async')}${report('<input name="field"><input name="more">')}`,
    })
    const other = await join(site.relay)
    const page = await tabs.blank()
    const held = createLatch()
    await page.route('**/signalpost.min.js', (route) => held.opened.then(() => route.continue()))
    await page.goto(site.page, { waitUntil: 'commit' })
    await page.locator('input').first().click()
    await page.keyboard.type('My title')
    await page.locator('input').last().click()
    held.open()
    await waitForOnline(page)
    await page.keyboard.type('and more')
    await refresh({ site, page, send: () => other.send('Saved', null) })
    const fields = page.locator('input')
    expect([await fields.first().inputValue(), await fields.last().inputValue()]).toEqual(['My title', 'and more'])
  })
})
