import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE, useTabs } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { openReady, openReport, waitForIncome, waitForMarker, waitForReady } from './refresh-site.js'
import { useBrowser } from './fixtures.js'
import { type Tab, waitFor } from './tab-browser.js'

const REPLACE = `refreshOn('ReportIncome', replaceElement('#report'), { minInterval: 0, onError })`
const RELOAD = `refreshOn('ReportIncome', reloadPage(), { onError })`

/** What a hint or the line says in the page; empty when it is not shown. */
const PART = (part: string): string =>
  `(document.querySelector('signalpost-notice')?.shadowRoot.querySelector('.${part}')?.checkVisibility()
    ? document.querySelector('signalpost-notice').shadowRoot.querySelector('.${part}') : undefined)`

describeInChromium('a refresh in a tab', () => {
  const browser = useBrowser(launchChromium)

  it('waits while nobody sees the tab, and happens once when somebody does', async () => {
    const site = await openReport({ script: REPLACE })
    const tab = await openReady(browser().open(site.page))
    await browser().open('about:blank', 'same window')
    await waitFor(tab, 'document.hidden')

    for (let income = 1; income <= 5; income += 1) await site.earn(income)
    await waitFor(tab, `report.phases.join() === 'dirty,held'`)
    expect(site.requests).toEqual(['/report'])

    await tab.show()
    await waitForIncome(tab, 5)
    expect(site.requests).toEqual(['/report', '/report'])
  })

  it('is not lost in the back/forward cache: what came before and what came meanwhile is one state in the end', async () => {
    const site = await openReport({ script: `window.isKept = false; ${REPLACE.replace('0', '0, wait: 5000')}` })
    const tab = await openReady(browser().open(site.page))
    await tab.evaluate('window.isKept = true')
    await site.earn(1)
    await waitFor(tab, `report.phases.includes('dirty')`)
    await tab.goto('data:text/html,elsewhere')
    await waitFor(tab, `location.protocol === 'data:'`)
    await site.earn(2)

    await tab.back()
    await waitFor(tab, 'window.isKept')
    await waitForIncome(tab, 2)
    expect(await tab.evaluate('report.load')).toBe(1)
  })

  it('is not lost when the signal comes while the next page, rendered before it, is on its way', async () => {
    const tell = `document.addEventListener('signalpost:refresh', ({ detail }) => void fetch('/told?' + detail.phase))`
    const site = await openReport({ script: `${tell}; ${RELOAD}` })
    const tab = await openReady(browser().open(site.page))
    site.isHolding = true
    await site.earn(1)
    await expect.poll(() => site.held, { timeout: PATIENCE }).toBe(1)
    await site.earn(2)
    await expect.poll(() => site.told, { timeout: PATIENCE }).toEqual(['dirty', 'running', 'dirty'])

    site.release()

    await waitForReady(tab, 3)
    await waitForIncome(tab, 2)
    await waitForMarker(site, tab)
    expect(await tab.evaluate('[report.load, report.phases.join()]')).toEqual([3, ''])
    expect(site.requests).toHaveLength(3)
  })

  it('of 50 elements takes one connection, and one fetch for each address', async () => {
    const sections = Array.from(
      { length: 50 },
      (_, index) => `<section id="part-${index}" class="part">$income</section>`,
    )
    const site = await openReport({
      body: sections.join(''),
      script: `
        window.sockets = performance.getEntriesByType('resource').length
        for (const part of document.querySelectorAll('.part')) refreshOn('ReportIncome', replaceElement(part), { onError })
        refreshOn('ReportIncome', replaceElement('#report', { url: '/fragment' }), { onError })`,
    })
    const tab = await openReady(browser().open(site.page))
    await tab.evaluate(`document.querySelectorAll('.part').forEach((part) => (part.isOld = true))`)

    await site.earn(1)
    await waitForIncome(tab, 1)
    await waitFor(tab, `[...document.querySelectorAll('.part')].every(({ isOld }) => !isOld)`)

    expect(site.requests.slice(1).toSorted()).toEqual(['/fragment', '/report'])
    const connections = (await (await fetch(new URL('/health', site.relay.page))).json()) as { connections: number }
    // The page, and the one who sent the signal.
    expect(connections.connections).toBe(2)
    expect(await tab.evaluate('report.errors')).toEqual([])
  })

  it.each([
    ['an error', 'error'],
    ['another content type', 'json'],
    ['a login page', 'login'],
    ['a page without the element', 'empty'],
  ] as const)(
    'that gets %s leaves the old content, tells it, and tries again at the next signal',
    async (_what, trouble) => {
      const site = await openReport({ script: REPLACE })
      const tab = await openReady(browser().open(site.page))

      site.trouble = trouble
      await site.earn(1)
      await waitFor(tab, `report.errors.join() === 'refresh-failed'`)
      await waitFor(tab, `Boolean(${PART('hint')})`)
      expect(
        await tab.evaluate(`[${PART('hint')}.innerText.replace(/\\s+/g, ' '), ${PART('line')}.className,
        document.querySelector('#total').textContent]`),
      ).toEqual(['This page could not be refreshed. Try again', 'line failed', '0'])

      site.trouble = undefined
      // A page that is not used does not ask for the login page again.
      if (trouble === 'login') await tab.evaluate(`dispatchEvent(new KeyboardEvent('keydown')) && 1`)
      await site.earn(2)
      await waitForIncome(tab, 2)
      await waitFor(tab, `!document.querySelector('signalpost-notice')`)
      expect(await tab.evaluate('[report.phases.join(), report.load]')).toEqual([
        'dirty,running,failed,dirty,running,done',
        1,
      ])
    },
  )

  it('that was held back by a modal dialog can be had from inside of it', async () => {
    const site = await openReport({ script: RELOAD, body: '<dialog id="question">Really? <input></dialog>' })
    const tab = await openReady(browser().open(site.page))
    await tab.evaluate(`document.querySelector('#question').showModal()`)

    await site.earn(1)
    await waitFor(tab, `Boolean(${PART('button')})`)
    // Where the button is, a click finds it.
    expect(
      await tab.evaluate(`(({ x, y, width, height }) => {
        const root = document.querySelector('signalpost-notice').shadowRoot
        return root.elementFromPoint(x + width / 2, y + height / 2)?.className
      })(${PART('button')}.getBoundingClientRect())`),
    ).toBe('button')
    await tab.evaluate(`${PART('button')}.click()`)
    await waitForReady(tab, 2)
  })

  it('shows that it is busy, and only when it takes longer than 200 ms', async () => {
    const site = await openReport({
      script: `${REPLACE}
        window.shown = []
        new MutationObserver(() => shown.push('something')).observe(document.documentElement,
          { childList: true, attributes: true, attributeFilter: ['aria-busy'], subtree: false })
        new MutationObserver((records) => { for (const { addedNodes } of records) for (const { localName } of addedNodes)
          if (localName === 'signalpost-notice') shown.push(localName) }).observe(document.body, { childList: true })`,
    })
    const tab = await openReady(browser().open(site.page))
    // On a busy machine one or the other takes longer.
    const shown: unknown[] = []
    for (let income = 1; income <= 8 && !shown.includes(0); income += 1) {
      await waitFor(tab, `!document.querySelector('signalpost-notice, [aria-busy]')`)
      await tab.evaluate('shown.length = 0')
      await site.earn(income)
      await waitForIncome(tab, income)
      shown.push(await tab.evaluate('shown.length'))
    }
    expect(shown).toContain(0)

    site.isHolding = true
    await site.earn(9)
    await waitFor(tab, `document.querySelector('#report').ariaBusy === 'true' && Boolean(${PART('line')})`)
    expect(await tab.evaluate(`[${PART('line')}.className, getComputedStyle(${PART('line')}).height]`)).toEqual([
      'line',
      '3px',
    ])
    site.release()
    await waitForIncome(tab, 9)
    await waitFor(tab, `!document.querySelector('signalpost-notice, [aria-busy]')`)
  })
})

describeInChromium('a replaced element', () => {
  const tabs = useTabs()

  async function openForm(inside: string) {
    const site = await openReport({
      body: `<form id="outer"><div id="part"><hr title="$income">${inside}</div></form>`,
      script: `refreshOn('ReportIncome', replaceElement('#part'), { minInterval: 0, onError })`,
    })
    const page = await tabs.open(site.page)
    const tab: Tab = { goto: async () => undefined, evaluate: (expression) => page.evaluate(expression) }
    await waitForReady(tab)
    return {
      site,
      page,
      tab,
      async refresh() {
        await page.evaluate(`document.querySelector('#part').isOld = true`)
        await site.earn(site.income + 1)
        await waitFor(tab, `!document.querySelector('#part').isOld`)
      },
    }
  }

  it('keeps what was chosen, ticked, attached and written', async () => {
    const { page, refresh } = await openForm(`
      <label><input type="radio" name="size" value="s" checked>S</label>
      <label><input type="radio" name="size" value="m">M</label>
      <input type="checkbox" name="tags[]" value="a"><input type="checkbox" name="tags[]" value="b" checked>
      <select name="many" multiple><option>1<option>2<option selected>3</select>
      <input type="file" name="file">
      <div id="rich" contenteditable>rich</div>
      <input name="untouched" value="server">`)
    await page.locator('[value=m]').click()
    await page.locator('[value=a]').click()
    await page.locator('[value=b]').click()
    await page.locator('select').selectOption(['1', '2'])
    await page.locator('[type=file]').setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') })
    await page.locator('#rich').click()
    await page.keyboard.press('End')
    await page.keyboard.type('er')
    await page.evaluate(`document.querySelector('[name=untouched]').value = 'by a script'`)

    for (let times = 0; times < 3; times += 1) await refresh()
    await page.keyboard.type('!')

    expect(
      await page.evaluate(`[
        ...new FormData(document.querySelector('#outer')).entries()].map(([name, value]) => name + '=' + (value.name ?? value))
        .concat(document.querySelector('#rich').textContent, report.errors)`),
    ).toEqual(['size=m', 'tags[]=a', 'many=1', 'many=2', 'file=a.txt', 'untouched=by a script', 'richer!'])
  })

  it('keeps the focus of a button, and what is selected', async () => {
    const { page, refresh } = await openForm(`<p>one <b>two</b> three</p><button type="button">Act</button>`)
    await page.getByText('Act').focus()
    await page.evaluate(`{
      const [one, , three] = document.querySelector('#part p').childNodes
      getSelection().setBaseAndExtent(one, 1, three, 3)
    }`)
    await refresh()
    expect(await page.evaluate(`[document.activeElement.textContent, String(getSelection())]`)).toEqual([
      'Act',
      'ne two th',
    ])
  })

  it('waits while a character is being composed', async () => {
    const { page, tab, site } = await openForm(`<input name="other">`)
    await page.locator('[name=other]').focus()
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Input.imeSetComposition', { text: 'ｓ', selectionStart: 1, selectionEnd: 1 })
    await site.earn(2)
    await waitFor(tab, `report.phases.at(-1) === 'held'`)
    await devtools.send('Input.insertText', { text: 'す' })
    await waitFor(tab, `report.phases.at(-1) === 'done'`)
    expect(await page.evaluate(`[document.activeElement.name, document.activeElement.value]`)).toEqual(['other', 'す'])
  })

  it('is not replaced by one that has no place for what was typed, unless the user agrees', async () => {
    const { page, tab, site } = await openForm(`<input name="note">`)
    await page.locator('[name=note]').fill('half a thought')
    await page.evaluate(`document.querySelector('[name=note]').name = 'gone'`)
    await site.earn(1)
    const button = page.getByRole('button', { name: 'Refresh anyway' })
    await button.waitFor()
    expect(await page.getByRole('status').innerText()).toContain('A refresh would discard your changes.')
    expect(await page.evaluate(`document.querySelector('#part input').value`)).toBe('half a thought')
    await button.click()
    await waitFor(tab, `report.phases.at(-1) === 'done' && document.querySelector('#part input').value === ''`)
    expect(await page.evaluate('report.errors')).toEqual([])
  })

  it('goes on when the user takes back what has no place', async () => {
    const { page, tab, site } = await openForm(`<input name="note">`)
    await page.locator('[name=note]').fill('half a thought')
    await page.evaluate(`document.querySelector('[name=note]').name = 'gone'`)
    await site.earn(1)
    await waitFor(tab, `report.phases.at(-1) === 'held'`)
    await page.locator('#part input').fill('')
    await waitFor(tab, `report.phases.at(-1) === 'done' && Boolean(document.querySelector('[name=note]'))`)
    expect(await page.evaluate('report.errors')).toEqual([])
  })
})

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "form-action 'self'",
  "connect-src 'self' ws:",
  "require-trusted-types-for 'script'",
  'trusted-types signalpost',
].join('; ')

describeInChromium('a refresh under a strict content policy', () => {
  const tabs = useTabs()

  it('replaces, reloads and hints without a complaint', async () => {
    const site = await openReport({
      headers: { 'Content-Security-Policy': POLICY },
      script: `${REPLACE}; refreshOn('Reload', reloadPage(), { onError })`,
    })
    const page = await tabs.open(site.page)
    const tab: Tab = { goto: async () => undefined, evaluate: (expression) => page.evaluate(expression) }
    await waitForReady(tab)
    await site.earn(1)
    await page.locator('#total', { hasText: '1' }).waitFor()

    await page.locator('#note').fill('half a thought')
    await site.send('Reload')
    const button = page.getByRole('button', { name: 'Refresh now' })
    await button.waitFor()
    expect(await button.evaluate((element) => getComputedStyle(element).cursor)).toBe('pointer')
    expect(await page.getByRole('status').innerText()).toContain('This page has changed.')
    expect(tabs.complaints).toEqual([])
    await button.click()
    await waitForReady(tab, 2)
    expect(tabs.complaints).toEqual([])
  })

  it('never runs a script that was fetched', async () => {
    const site = await openReport({
      headers: { 'Content-Security-Policy': POLICY.replace("'self'", "'self' 'unsafe-inline'") },
      script: `refreshOn('ReportIncome', replaceElement('#extra'), { onError })`,
      body: `<div id="extra">$income<script>window.runs = (window.runs ?? 0) + 1</script></div>`,
    })
    const page = await tabs.open(site.page)
    const tab: Tab = { goto: async () => undefined, evaluate: (expression) => page.evaluate(expression) }
    await waitForReady(tab)
    await page.evaluate(`document.querySelector('#extra').isOld = true`)
    await site.earn(1)
    await waitFor(tab, `!document.querySelector('#extra').isOld`)
    expect(await page.evaluate('window.runs')).toBe(1)
  })
})
