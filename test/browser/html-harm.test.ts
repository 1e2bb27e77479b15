import { readFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { ROOT } from '../package/root.js'
import { describeInChromium, PATIENCE, useTabs } from './chromium.js'
import { openHtmlSite } from './html-site.js'
import { join } from './fixtures.js'
import { readUmd } from './static-server.js'

const TAG = '<!doctype html><script src="/signalpost.min.js" data-url="$relay"></script>'
const RELOADED = `${TAG}<body data-signal-refresh="ReportIncome">`
const REPORT = '<div id="report" data-signal-refresh="ReportIncome">'

/** What a refresh must never do to the user, where only a browser can tell. */
describeInChromium('a refresh does no harm:', () => {
  const tabs = useTabs()

  async function open(html: string, pages: Readonly<Record<string, string>> = {}, headers = {}) {
    const site = await openHtmlSite({ '/': html, ...pages }, headers)
    const other = await join(site.relay)
    const page = await openOnline(site.page)
    return { site, page, send: () => other.send('ReportIncome', null) }
  }

  async function openOnline(address: string): Promise<Page> {
    const page = await tabs.open(address)
    await waitForOnline(page)
    return page
  }

  /** Notes every step of every refresh. */
  const watch = (page: Page): Promise<void> =>
    page.evaluate(() => {
      const phases: string[] = []
      Object.assign(window, { phases })
      document.addEventListener('signalpost:refresh', (event) =>
        phases.push((event as CustomEvent<{ phase: string }>).detail.phase),
      )
    })
  const waitForPhase = (page: Page, phase: string): Promise<unknown> =>
    page.waitForFunction((phase) => (window as unknown as { phases: string[] }).phases.at(-1) === phase, phase)

  it.each([
    ['a link that was clicked', '<a href="/next">Next</a>', 'a', ['GET /', 'GET /next']],
    [
      'a form that was submitted, also when its fields held the refresh back before',
      '<form method="post" action="/next"><input name="text"><button>Save</button></form>',
      'form button',
      ['GET /', 'POST /next'],
    ],
    [
      'a form that a script submits',
      '<form method="post" action="/next"></form><button onclick="document.forms[0].submit()">Save</button>',
      'button',
      ['GET /', 'POST /next'],
    ],
    [
      'an address that a script assigns',
      `<button onclick="location = '/next'">Next</button>`,
      'button',
      ['GET /', 'GET /next'],
    ],
    [
      'a link whose page changes its own address meanwhile',
      `<a href="/next" onclick="setTimeout(() => history.replaceState(0, '', '?left'), 50)">Next</a>`,
      'a',
      ['GET /', 'GET /next'],
    ],
  ])('the page goes where the user wants, with %s and a slow server', async (_what, html, selector, requests) => {
    const { site, page, send } = await open(RELOADED + html, { '/next': '<!doctype html><title>Next</title>' })
    site.isAnsweringPosts = true
    site.pause = 1500
    await watch(page)
    const isForm = selector === 'form button'
    if (isForm) {
      await page.locator('input').fill('half')
      await send()
      await waitForPhase(page, 'held')
    }
    await page.locator(selector).click({ noWaitAfter: true })
    if (!isForm) await send()
    await page.waitForFunction(() => document.title === 'Next')
    expect([site.requests, tabs.complaints]).toEqual([requests, []])
  })

  it.each([
    ['that has a router of its own', `navigation.addEventListener('navigate', (event) => event.intercept())`],
    ['where the user presses "stop"', `navigation.addEventListener('navigate', () => setTimeout(stop, 50))`],
  ])('a page %s is refreshed after a link as before', async (_what, script) => {
    const { site, page, send } = await open(
      `${TAG}<a href="/next">Next</a><script>${script}
        for (const type of ['navigatesuccess', 'navigateerror'])
          navigation.addEventListener(type, () => setTimeout(() => (document.title = 'Stayed')))
        Signalpost.refreshOn('ReportIncome', () => undefined)</script>`,
      { '/next': '' },
    )
    site.pause = 60_000
    await watch(page)
    await page.evaluate(() => document.querySelector('a')?.click())
    await page.waitForFunction(() => document.title === 'Stayed')
    await send()
    await waitForPhase(page, 'done')
    expect(await page.evaluate('phases')).toEqual(['dirty', 'running', 'done'])
  })

  it.each([
    ['reloading', RELOADED, '', 'body'],
    ['reloading, where a script had submitted it', RELOADED, 'type="button" onclick="form.submit()"', 'body'],
    ['replacing an element', TAG, '', 'div'],
  ])('the answer to a form is not posted again, nor lost, by %s', async (_what, head, button, selector) => {
    const html = `${head}<form method="post"><button ${button}>Save</button></form>${head === TAG ? REPORT : '<div>'}$count</div>`
    const { site, page, send } = await open(html)
    site.isAnsweringPosts = true
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('div', { hasText: '1' }).waitFor()
    await waitForOnline(page)
    await send()
    await page.getByText('This page could not be refreshed.').waitFor()
    await send()
    await expect.poll(() => tabs.complaints.length, { timeout: PATIENCE }).toBe(1)
    expect(tabs.complaints[0]).toContain(`${selector}`)
    expect(tabs.complaints[0]).toContain('let the server answer POST with a redirect')
    expect([site.requests, site.count]).toEqual([['GET /', 'POST /'], 1])
  })

  it('a section whose content a posted form may decide is named once, when it fetches the own address', async () => {
    const { site, page, send } = await open(
      `${TAG}<form method="post"><button>Show</button></form>${REPORT}$count</div>`,
    )
    await page.getByRole('button', { name: 'Show' }).click()
    await page.locator('div', { hasText: '1' }).waitFor()
    await waitForOnline(page)
    for (const count of [2, 3]) {
      site.count = count
      await send()
      await page.locator('div', { hasText: String(count) }).waitFor()
    }
    expect(tabs.complaints).toHaveLength(1)
    expect(tabs.complaints[0]).toContain('came by a POST and a redirect')
  })

  it('two pages that say they have saved, and reload, do not reload each other for ever', async () => {
    const said = '<meta data-signal-send="ReportIncome"><form method="post"><button>Save</button></form>'
    const { site, page } = await open(`${RELOADED}${said}$count`)
    const second = await openOnline(site.page)
    for (const each of [page, second]) {
      await each.getByRole('button').click()
      await waitForOnline(each)
    }
    let before = 0
    // Until nothing more comes; a round takes less than this.
    await expect
      .poll(
        () => {
          const isQuiet = before === site.requests.length
          before = site.requests.length
          return isQuiet
        },
        { timeout: PATIENCE, interval: 4000 },
      )
      .toBe(true)
    expect(site.requests.length).toBeLessThanOrEqual(12)
    for (const each of [page, second]) await each.getByText('2').waitFor()
  })

  it('a click that has begun is a click', async () => {
    const { page, send } = await open(`${TAG}${REPORT}<button onclick="window.isClicked = true">Press</button></div>`)
    await watch(page)
    await page.locator('button').hover()
    await page.mouse.down()
    await send()
    await waitForPhase(page, 'held')
    await page.mouse.up()
    await waitForPhase(page, 'done')
    expect(await page.evaluate('window.isClicked')).toBe(true)
  })

  it.each([
    ['in a shadow', REPORT],
    ['in a frame', REPORT],
    ['in a frame', `${RELOADED}<div>`],
  ])('what is typed %s stays', async (where, head) => {
    const html = `${head.startsWith(TAG) ? '' : TAG}${head}$count<x-field></x-field><iframe id="frame" src="/frame"></iframe></div>
      <script>customElements.define('x-field', class extends HTMLElement {
        connectedCallback() { this.attachShadow({ mode: 'open' }).innerHTML = '<input>' } })</script>`
    const { site, page, send } = await open(html, { '/frame': '<!doctype html><body contenteditable>' })
    await watch(page)
    const field = where === 'in a frame' ? page.frameLocator('iframe').locator('body') : page.locator('x-field input')
    await field.click()
    await page.keyboard.type('half')
    site.count += 1
    await send()
    // A copy of the frame would load again.
    await waitForPhase(page, where === 'in a frame' ? 'held' : 'done')
    expect(await field.evaluate((element) => (element as HTMLInputElement).value ?? element.textContent)).toBe('half')
  })

  it.each([
    ['a dialog that is there but not seen', '<div role="dialog" aria-modal="true" style="visibility: hidden">No</div>'],
    ['a dialog of which nothing is left', '<div role="dialog" aria-modal="true" style="opacity: 0">No</div>'],
    ['a menu beside the window', '<nav aria-modal="true" style="position: fixed; translate: -100vw">Menu</nav>'],
    ['a dialog that is not modal', '<dialog open>Cookies? <button>Yes</button></dialog>'],
  ])('%s holds nothing back', async (_what, html) => {
    const { site, page, send } = await open(`${RELOADED}${html}<p>$count</p>`)
    site.count = 1
    await send()
    await page.locator('p', { hasText: '1' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })

  it('a menu that the user is in stays open', async () => {
    const { page, send } = await open(`${RELOADED}<div popover id="menu"><button>One</button></div>`)
    await watch(page)
    await page.evaluate(() => document.querySelector<HTMLElement>('#menu')?.showPopover())
    await page.getByRole('button', { name: 'One' }).focus()
    await send()
    await waitForPhase(page, 'held')
    expect(await page.locator('#menu').isVisible()).toBe(true)
  })

  it('a dialog that is opened while the page is fetched brings the hint, from inside of it', async () => {
    const { site, page, send } = await open(`${TAG}${REPORT}<dialog>Really? <input></dialog>$count</div>`)
    await watch(page)
    site.pause = 1000
    await send()
    await page.locator('#report[aria-busy]').waitFor()
    await page.evaluate(() => document.querySelector('dialog')?.showModal())
    await page.locator('dialog signalpost-notice').getByRole('button', { name: 'Refresh now' }).waitFor()
    expect(await page.locator('[aria-busy]').count()).toBe(0)
    await page.evaluate(() => document.querySelector('dialog')?.close())
    await waitForPhase(page, 'done')
    expect(tabs.complaints).toEqual([])
  })

  it('a script tag and a bundle share their policy of Trusted Types', async () => {
    const umd = await readUmd()
    const policy = "script-src 'self'; require-trusted-types-for 'script'; trusted-types signalpost"
    const { page, send } = await open(
      `${TAG}${REPORT}1</div><p id="two">old</p><script src="/second.js"></script><script src="/use.js"></script>`,
      {
        // As a bundle contains it.
        '/second.js': `(function () { var module = { exports: {} }, exports = module.exports; ${umd}
          window.Second = module.exports })()`,
        '/use.js': `Second.refreshOn('ReportIncome', Second.replaceElement('#two'))`,
      },
      { 'Content-Security-Policy': policy },
    )
    await page.evaluate(() => document.querySelector('#two')?.replaceChildren('stale'))
    await send()
    await page.locator('#two', { hasText: 'old' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })

  it('the inspector lies above the hint', async () => {
    const { site, send } = await open(`${RELOADED.replace('data-url', 'data-inspect data-url')}<textarea></textarea>`, {
      '/signalpost-inspector.js': await readFile(joinPath(ROOT, 'dist/umd/signalpost-inspector.js'), 'utf8'),
    })
    const page = await openOnline(`${site.page}?signalpost-inspect`)
    await page.setViewportSize({ width: 390, height: 700 })
    await page.locator('body > textarea').fill('half')
    await send()
    const hint = page.locator('signalpost-notice .hint')
    await hint.waitFor()
    expect(
      await hint.evaluate((element) => {
        const { x, y, width, height } = element.getBoundingClientRect()
        return document.elementFromPoint(x + width / 2, y + height / 2)?.localName
      }),
    ).toBe('signalpost-inspector')
  })
})

describeInChromium('the look of a refresh', () => {
  const tabs = useTabs()

  it('follows the custom properties and parts of the page, and is not printed', async () => {
    const site = await openHtmlSite({
      '/': `${TAG.replace('<script', '<script data-text-failed="Kaputt." data-text-retry="Noch einmal"')}
        <style>:root { --signalpost-height: 7px; --signalpost-failed-color: rgb(1, 2, 3); --signalpost-layer: 5;
          --signalpost-font: italic 20px monospace } signalpost-notice::part(button) { letter-spacing: 3px }</style>
        <div id="report" data-signal-refresh="ReportIncome" data-signal-src="/missing">1</div>`,
    })
    const other = await join(site.relay)
    const page = await tabs.open(site.page)
    await waitForOnline(page)
    await other.send('ReportIncome', null)
    await page.getByRole('button', { name: 'Noch einmal' }).waitFor()
    await page.getByText('Kaputt.').waitFor()
    const look = (): Promise<unknown> =>
      page.evaluate(() => {
        const host = document.querySelector('signalpost-notice') as HTMLElement
        const part = (name: string): CSSStyleDeclaration =>
          getComputedStyle(host.shadowRoot?.querySelector(`.${name}`) as HTMLElement)
        return [
          part('line').height,
          part('line').backgroundColor,
          getComputedStyle(host).zIndex,
          part('hint').fontStyle,
          part('hint').fontSize,
          part('button').letterSpacing,
          getComputedStyle(host).display,
        ]
      })
    expect(await look()).toEqual(['7px', 'rgb(1, 2, 3)', '5', 'italic', '20px', '3px', 'block'])
    await page.emulateMedia({ media: 'print' })
    expect(await look()).toContain('none')
  })

  it.each([
    ['no-preference', 'grow'],
    ['reduce', 'none'],
  ] as const)('moves, for a user who prefers %s motion: %s', async (reducedMotion, name) => {
    const site = await openHtmlSite({ '/': `${TAG}${REPORT}1</div>` })
    const other = await join(site.relay)
    const page = await tabs.open(site.page)
    await page.emulateMedia({ reducedMotion })
    await waitForOnline(page)
    site.pause = 3000
    await other.send('ReportIncome', null)
    await page.locator('#report[aria-busy]').waitFor()
    expect(
      await page.evaluate(() => {
        const line = document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('.line')
        return line && getComputedStyle(line).animationName
      }),
    ).toBe(name)
  })
})

async function waitForOnline(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.signalState === 'online')
}
