import { readFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import { filesIn, ROOT } from '../package/root.js'
import { describeInChromium, PATIENCE, useTabs } from './chromium.js'
import { openHtmlSite } from './html-site.js'
import { join } from './fixtures.js'
import { serve } from './static-server.js'

const TAG = '<!doctype html><script src="/signalpost.min.js" data-url="$relay"></script>'

/** What a user saves as a comment: every way that is known to run a script, to leave the page or to send in another's name. */
const COMMENT = `
  <div id="c1" data-signal-refresh="ReportIncome" data-signal-src="data:text/html,&lt;div id=c1&gt;&lt;img src=x onerror='ranAs=1'&gt;&lt;/div&gt;"></div>
  <div id="c2" data-signal-refresh="ReportIncome" data-signal-src="$evil"></div>
  <div id="c3" data-signal-refresh="ReportIncome" data-signal-src="/leave"></div>
  <form id="c4" data-signal-refresh="ReportIncome" action="$evil"></form>
  <p><button type="button" id="c5" data-signal-send="Paid" data-signal-data="[7]">Look</button></p>`

/** Names of the members that the SDK reads of the document and of elements. */
async function membersOfDom(): Promise<string[]> {
  const texts = await Promise.all(filesIn('src', '.ts').map((file) => readFile(joinPath(ROOT, 'src', file), 'utf8')))
  const found = texts.join().matchAll(/\b(?:call|read)\([^,()]+(?: as [^,]+)?, '(\w+)'/g)
  return [...new Set(Array.from(found, ([, name]) => name ?? ''))]
}

async function waitForOnline(page: Page): Promise<void> {
  const state = (): Promise<string | null> =>
    page.evaluate(() => document.documentElement.getAttribute('data-signal-state'))
  await expect.poll(state, { timeout: PATIENCE }).toBe('online')
}

describeInChromium('user content', () => {
  const tabs = useTabs()

  /** A server of somebody else, which lets every page read it. */
  async function openForeignSite(html: string): Promise<{ readonly page: string; readonly asked: string[] }> {
    const asked: string[] = []
    const server = await serve({ '/': html }, { 'Access-Control-Allow-Origin': '*' }, ({ url }) => {
      asked.push(url ?? '')
      return false
    })
    onTestFinished(server.close)
    return { page: server.page, asked }
  }

  async function openPurified(around: (comment: string) => string, options: string) {
    const evil = await openForeignSite('<div id="c2"><img src="x" onerror="ranAs=3"></div>')
    const comment = COMMENT.replaceAll('$evil', evil.page)
    const purify = await readFile(fileURLToPath(import.meta.resolve('dompurify/purify.min.js')), 'utf8')
    const site = await openHtmlSite({
      '/': `${TAG}<script src="/purify.js"></script><div id="report" data-signal-refresh="ReportIncome">$count</div>
        <main></main><template>${comment}</template><script>
          document.querySelector('main').innerHTML = ${JSON.stringify(around('$comment'))}
            .replace('$comment', () => DOMPurify.sanitize(document.querySelector('template').innerHTML, ${options}))
        </script>`,
      '/purify.js': purify,
      '/leave': '<div id="c3"></div>',
    })
    const other = await join(site.relay)
    const page = await tabs.open(site.page)
    await waitForOnline(page)
    return { evil, site, other, page }
  }

  it('S54, S57 runs no script, sends the page nowhere and reads no other site through what DOMPurify leaves by default', async () => {
    const { evil, site, other, page } = await openPurified((comment) => comment, '{}')
    expect(await page.locator('main [data-signal-refresh]').count()).toBe(4)
    site.count = 1
    await other.send('ReportIncome', null)
    await page.locator('#report', { hasText: '1' }).waitFor()
    await expect.poll(() => site.requests, { timeout: PATIENCE }).toContain('GET /leave')
    await expect.poll(() => tabs.complaints.length, { timeout: PATIENCE }).toBe(3)
    expect(evil.asked).toEqual([])
    expect(await page.evaluate(() => (window as { ranAs?: number }).ranAs)).toBeUndefined()
    expect(page.url()).toBe(site.page)
  })

  it.each([
    [
      'with data-signal-ignore around it',
      (comment: string) => `<article data-signal-ignore>${comment}</article>`,
      '{}',
    ],
    ['without data-* attributes', (comment: string) => comment, '{ ALLOW_DATA_ATTR: false }'],
  ])('S58 does nothing %s', async (_how, around, options) => {
    const { evil, site, other, page } = await openPurified(around, options)
    await page.locator('#c5').click()
    site.count = 1
    await other.send('ReportIncome', null)
    await page.locator('#report', { hasText: '1' }).waitFor()
    await page.evaluate(() => window.Signalpost.sendSignal('Last'))
    await expect.poll(() => other.heard.at(-1)?.signal, { timeout: PATIENCE }).toBe('Last')
    expect(other.heard.map(({ signal }) => signal)).toEqual(['ReportIncome', 'Last'])
    expect([evil.asked, site.requests, tabs.complaints]).toEqual([[], ['GET /', 'GET /'], []])
  })

  it('S59 does not take the place of an element that has the same id', async () => {
    const page = `${TAG}<p data-signal-ignore><b id="report">user</b></p>
      <div id="report" data-signal-refresh="ReportIncome">$count</div>`
    const site = await openHtmlSite({ '/': page })
    const other = await join(site.relay)
    const tab = await tabs.open(site.page)
    await waitForOnline(tab)
    site.count = 1
    await other.send('ReportIncome', null)
    await tab.locator('div#report', { hasText: '1' }).waitFor()
    expect(await tab.locator('b').textContent()).toBe('user')
    expect(tabs.complaints).toEqual([])
  })

  it('S60, S61, S62, S63 hides no member of the document, of forms or of this package by names and ids', async () => {
    const members = await membersOfDom()
    expect(members.length).toBeGreaterThan(30)
    const names = [
      ...members,
      'currentScript',
      'prerendering',
      'visibilityState',
      'signalpost:client',
      'signalpost:html',
    ]
    const clobber = names.map((name) => `<img name="${name}" id="${name}">`).join('')
    const fields = [...names, 'id', 'type', 'value', 'href', 'dataset', 'children', 'attributes']
      .map((name) => `<input hidden name="${name}" value="x">`)
      .join('')
    const site = await openHtmlSite({
      '/': `<!doctype html><div>${clobber}<a id="signalpost:policy"></a></div>
        <script src="/signalpost.min.js" data-url="$relay"></script>
        <form id="report" data-signal-send="Saved" target="sink">${fields}<p>$count</p><button>Save</button></form>
        <form id="filter" action="/filtered" data-signal-refresh="Filter">${fields}<button>Show</button></form>
        <div id="rows" data-signal-refresh="Rows">$count<form>${fields}<input id="typed"></form></div>
        <output data-signal-status></output><iframe name="sink"></iframe>
        <script>Signalpost.refreshOn('ReportIncome', Signalpost.replaceElement('#report'))</script>`,
      '/filtered': '<!doctype html><title>Filtered</title>',
    })
    const other = await join(site.relay)
    const page = await tabs.open(site.page)
    await page.locator('output', { hasText: 'online' }).waitFor()
    site.count = 1

    // The tools of the test stumble over hidden members, too.
    const run = (action: string): Promise<unknown> =>
      page.evaluate(
        `{ const find = (selector) => Document.prototype.querySelector.call(document, selector); ${action} }`,
      )
    await run(`HTMLElement.prototype.click.call(find('#report button'))`)
    await expect.poll(() => other.heard.map(({ signal }) => signal), { timeout: PATIENCE }).toEqual(['Saved'])
    await run(`find('#typed').focus(); find('#typed').value = 'typed'`)
    await other.send('Rows', null)
    await page.waitForFunction(`Document.prototype.querySelector.call(document, '#rows').innerText.startsWith('1')`)
    expect(await run(`find('#typed').value`)).toBe('typed')
    await run(`find('#typed').value = ''`)
    await other.send('ReportIncome', null)
    await page.waitForFunction(`Document.prototype.querySelector.call(document, '#report p').innerText === '1'`)
    await other.send('Filter', null)
    await page.waitForFunction(() => location.pathname === '/filtered')
    expect(tabs.complaints).toEqual([])
  })
})

describeInChromium('the inspector of the script tag', () => {
  const tabs = useTabs()

  async function open(path: string, attribute: string) {
    const umd = await readFile(joinPath(ROOT, 'dist/umd/signalpost.min.js'), 'utf8')
    const inspector = await readFile(joinPath(ROOT, 'dist/umd/signalpost-inspector.js'), 'utf8')
    const asked: string[] = []
    const server = await serve(
      { '/': `<!doctype html><script src="${path}" ${attribute}></script>`, '/elsewhere.js': inspector },
      {},
      ({ url = '' }, response) => {
        asked.push(url)
        const text = { [path]: umd, '/npm/signalpost-inspector.js': 'ranAs = 1' }[url]
        if (text === undefined) return false
        response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(text)
        return true
      },
    )
    onTestFinished(server.close)
    const page = await tabs.open(`${server.page}?signalpost-inspect`)
    await page.waitForLoadState('load')
    return { asked, page }
  }

  it('S64 is not fetched where the tag does not say so', async () => {
    const { asked, page } = await open('/npm/signalpost.min.js', '')
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
    expect(asked.filter((url) => url.includes('inspector'))).toEqual([])
  })

  it('S64 is not another package that lies beside the short address of a content network', async () => {
    const { asked } = await open('/npm/signalpost@0.1.0', 'data-inspect')
    await expect.poll(() => tabs.complaints, { timeout: PATIENCE }).toHaveLength(1)
    expect(tabs.complaints[0]).toContain('data-inspect needs the address of signalpost-inspector.js')
    expect(asked.filter((url) => url.includes('inspector'))).toEqual([])
  })

  it('S64 is fetched from the address that the tag gives', async () => {
    const { page } = await open('/npm/signalpost@0.1.0', 'data-inspect="/elsewhere.js"')
    await page.getByRole('region', { name: 'Signal inspector' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })
})
