import { expect, it } from 'vitest'
import { describeInEngines } from './engines.js'
import { openReady, openReport, waitForIncome, waitForMarker, waitForReady } from './refresh-site.js'
import { type Tab, waitFor } from './tab-browser.js'

const REPLACE = `refreshOn('ReportIncome', replaceElement('#report'), { minInterval: 0, onError })`
const RELOAD = `refreshOn('ReportIncome', reloadPage(), { onError })`
/** As when a user types, without the keyboard of each engine. */
const TYPE = `const field = document.querySelector(selector); field.focus(); field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true, composed: true }))`

async function type(tab: Tab, selector: string, text: string): Promise<void> {
  await tab.evaluate(`(() => { const [selector, text] = ${JSON.stringify([selector, text])}; ${TYPE} })()`)
}

describeInEngines('a refresh', (browser) => {
  it('replaces an element, and keeps a half-typed text, caret, scroll and open details over 20 of them', async () => {
    const site = await openReport({ script: REPLACE })
    const tab = await openReady(browser().open(site.page))
    await type(tab, '[name=find]', 'half-typed')
    await tab.evaluate(`document.querySelector('[name=find]').setSelectionRange(2, 4)`)
    await tab.evaluate(`(document.querySelector('details').open = true, scrollTo(0, 50))`)
    await tab.evaluate(`document.querySelector('.scroller').scrollTop = 333`)

    for (let income = 1; income <= 20; income += 1) {
      await site.earn(income)
      await waitForIncome(tab, income)
    }

    expect(
      await tab.evaluate(`(({ name, value, selectionStart, selectionEnd }) => [
          name, value, selectionStart, selectionEnd,
          document.querySelectorAll('[name=find]').length,
          document.querySelector('details').open,
          document.querySelector('.scroller').scrollTop,
          scrollY, report.load, report.errors.join()])(document.activeElement)`),
    ).toEqual(['find', 'half-typed', 2, 4, 1, true, 333, 50, 1, ''])
  })

  it('takes the response of another tab', async () => {
    const options = `{ wait: 1000, minInterval: 0, whenHidden: 'run', onError }`
    const script = `refreshOn('ReportIncome', replaceElement('#report', { fetch: sharedFetch() }), ${options})`
    const site = await openReport({ script })
    const tabs = [await openReady(browser().open(site.page)), await openReady(browser().open(site.page))]
    site.requests.length = 0
    for (const income of [1, 2]) {
      await site.earn(income)
      for (const tab of tabs) await waitForIncome(tab, income)
      expect(site.requests).toHaveLength(income)
    }
    for (const tab of tabs) expect(await tab.evaluate('report.errors.join()')).toBe('')
  })

  it('reloads the page once, where it was scrolled to, and the reload does not cause another one', async () => {
    const site = await openReport({ script: RELOAD })
    const tab = await openReady(browser().open(site.page))
    await tab.evaluate('scrollTo(0, 700)')

    await site.earn(7)
    await waitForReady(tab, 2)
    await waitForIncome(tab, 7)
    await waitFor(tab, 'Math.round(scrollY) === 700')
    await waitForMarker(site, tab)

    expect(await tab.evaluate('[report.load, report.phases.join()]')).toEqual([2, ''])
    expect(site.requests).toEqual(['/report', '/report'])
  })

  it('does not submit a form that is not valid, and tells it', async () => {
    const site = await openReport({ script: `refreshOn('ReportIncome', submitForm('#filter'), { onError })` })
    const tab = await openReady(browser().open(site.page))
    await tab.evaluate(`document.querySelector('#filter [name=year]').pattern = 'last'`)
    await site.earn(1)
    await waitFor(tab, `report.errors.join() === 'refresh-failed'`)
    expect(site.requests).toHaveLength(1)
    await tab.evaluate(`document.querySelector('#filter').noValidate = true`)
    await site.earn(2)
    await waitForIncome(tab, 2)
    expect(site.requests).toHaveLength(2)
  })

  it('submits the filter form as its button would, and stays where it was scrolled to', async () => {
    const site = await openReport({ script: `refreshOn('ReportIncome', submitForm('#filter'), { onError })` })
    const tab = await openReady(browser().open(`${site.page}?year=2025`))
    await tab.evaluate('scrollTo(0, 700)')

    await site.earn(7)
    await waitForReady(tab, 2)
    await waitForIncome(tab, 7)

    expect(await tab.evaluate('Math.round(scrollY)')).toBe(700)
    expect(site.requests).toEqual(['/report?year=2025', '/report?year=2025&show=1'])
  })

  it('is held back by what is being typed, with a hint that refreshes when it is clicked', async () => {
    const site = await openReport({ script: RELOAD })
    const tab = await openReady(browser().open(site.page))
    await type(tab, '#note', 'half a thought')

    await site.earn(7)
    const hint = `document.querySelector('signalpost-notice')?.shadowRoot.querySelector('[role=status] .hint:not([hidden])')`
    await waitFor(tab, `Boolean(${hint})`)
    expect(await tab.evaluate(`[report.phases.join(), ${hint}.innerText.replace(/\\s+/g, ' ')]`)).toEqual([
      'dirty,held',
      'This page has changed. Refresh now',
    ])
    await tab.evaluate(`${hint}.querySelector('button').click()`)
    await waitForReady(tab, 2)
    await waitForIncome(tab, 7)
  })

  it('is released when the editing is over', async () => {
    const site = await openReport({ script: RELOAD })
    const tab = await openReady(browser().open(site.page))
    await type(tab, '#note', 'half a thought')
    await site.earn(7)
    await waitFor(tab, `report.phases.includes('held')`)

    await type(tab, '#note', '')

    await waitForReady(tab, 2)
    await waitForIncome(tab, 7)
    expect(await tab.evaluate('report.phases')).toEqual([])
  })

  it('does not go round in circles when two pages refresh on each other’s signals', async () => {
    const site = await openReport({
      script: `refreshOn('ReportIncome', submitForm('#filter'), { onError })
          document.querySelector('#filter').addEventListener('submit', ({ target }) => {
            if (!target.hasAttribute('data-signal-refreshing')) Signalpost.sendSignal('ReportIncome')
          })
          Signalpost.receiveSignal('Settled', () => sessionStorage.setItem('isSettled', 'true'))`,
    })
    const one = await openReady(browser().open(site.page))
    const two = await openReady(browser().open(site.page))

    await one.evaluate(`setTimeout(() => document.querySelector('#filter button').click()) && 1`)
    await waitForReady(two, 2)
    await waitFor(one, `location.search !== '' && window.report?.client.status.state === 'online'`)
    // The page that was left sent a signal, which its tab's next page may take for another's, once: whichever hears the end.
    await site.send('Settled')
    for (const tab of [one, two]) await waitFor(tab, `sessionStorage.getItem('isSettled') === 'true'`)
    for (const tab of [one, two]) await waitFor(tab, `report.client.status.state === 'online' && !report.phases.length`)
    const submitted = site.requests.length
    await waitForMarker(site, one, two)

    expect(await Promise.all([one, two].map((tab) => tab.evaluate('report.phases')))).toEqual([[], []])
    expect(site.requests.length).toBe(submitted)
    expect(submitted).toBeLessThanOrEqual(5)
  })

  it('of 1,000 signals in a second happens at most twice, and shows the last state', async () => {
    const site = await openReport({ script: `refreshOn('ReportIncome', replaceElement('#report'), { onError })` })
    const tab = await openReady(browser().open(site.page))
    await site.earn(1)
    await waitForIncome(tab, 1)
    await tab.evaluate(`Signalpost.receiveSignal('ReportIncome', (data) => (window.last = data)) && 1`)
    const before = site.requests.length

    await Promise.all(Array.from({ length: 1000 }, (_, index) => site.earn(index + 2)))
    await waitFor(tab, 'window.last === 1001')
    await waitForIncome(tab, 1001)

    expect(site.requests.length - before).toBeLessThanOrEqual(2)
  })
})
