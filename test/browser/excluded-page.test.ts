import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { textsUnder } from '../package/blocks.js'
import { describeInChromium, PATIENCE, useTabs } from './chromium.js'
import { startRelay } from './relay-process.js'
import { readUmd, serve } from './static-server.js'

const SECRET = 'a-secret-of-the-backend'

/** The hidden field and its script, as the guide has them. */
const [FIELD = ''] = textsUnder('examples/guides/servers.md', 'A page that has just saved', 'html')

/** A report that its own server changes and publishes. Its pages count the signals. */
async function openSite() {
  const relay = await startRelay('--publish-key', `site:${SECRET}`)
  onTestFinished(relay.kill)
  const site = { income: 1, excluded: [] as string[] }
  const render = (): string => `<!doctype html><script src="/signalpost.min.js" data-url="${relay.url}"></script>
    <script>document.addEventListener('signal:ReportIncome', () => { window.heard = (window.heard ?? 0) + 1 })</script>
    <form method="post">${FIELD}<button>Save</button></form>
    <section id="report" data-signal-refresh="ReportIncome">Income ${site.income}</section>`

  async function publish(exclude: string): Promise<void> {
    site.income += 1
    const headers = { Authorization: `Bearer ${SECRET}`, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ signal: 'ReportIncome', exclude })
    expect((await fetch(`${relay.page}publish`, { method: 'POST', headers, body })).status).toBe(200)
  }

  const server = await serve({ '/signalpost.min.js': await readUmd() }, {}, (request, response) => {
    if (!request.url?.startsWith('/report')) return false
    void (async () => {
      if (request.method === 'POST') {
        const exclude = new URLSearchParams(await text(request)).get('signal_tab') ?? ''
        site.excluded.push(exclude)
        await publish(exclude)
        return response.writeHead(303, { Location: request.url }).end()
      }
      return response.writeHead(200, { 'Content-Type': 'text/html' }).end(render())
    })()
    return true
  })
  onTestFinished(server.close)
  return Object.assign(site, { page: `${server.page}report`, publish })
}

describeInChromium('a page that saves by a form', () => {
  const tabs = useTabs()

  it('is not refreshed by the publication of its own server, and all other pages are', async () => {
    const site = await openSite()
    const [saving, other] = [await tabs.open(site.page), await tabs.open(site.page)]
    const isOnline = `Signalpost.getPageClient()?.status.state === 'online'`
    for (const page of [saving, other]) await page.waitForFunction(isOnline, undefined, { timeout: PATIENCE })
    const tab = await saving.evaluate('Signalpost.getPageClient().tab')

    await saving.locator('button').click()
    for (const page of [saving, other]) await page.getByText('Income 2').waitFor({ timeout: PATIENCE })
    await saving.waitForFunction(isOnline, undefined, { timeout: PATIENCE })
    await site.publish('')
    for (const page of [saving, other]) await page.getByText('Income 3').waitFor({ timeout: PATIENCE })

    const heard = await Promise.all([saving, other].map((page) => page.evaluate('window.heard')))
    expect(heard).toEqual([1, 2])
    expect(site.excluded).toEqual([tab])
  })

  it('is another page than a window that it opens, which gets a copy of its state', async () => {
    const site = await openSite()
    const opener = await tabs.open(site.page)
    const isOnline = `Signalpost.getPageClient()?.status.state === 'online'`
    await opener.waitForFunction(isOnline, undefined, { timeout: PATIENCE })
    const tab = await opener.evaluate<string>('Signalpost.getPageClient().tab')
    const [popup] = await Promise.all([
      opener.waitForEvent('popup'),
      opener.evaluate('void window.open(location.href)'),
    ])
    await popup.waitForFunction(isOnline, undefined, { timeout: PATIENCE })
    const own = 'window.own = []; void Signalpost.receiveSignal("ReportIncome", (_, { self }) => void own.push(self))'
    for (const page of [opener, popup]) await page.evaluate(own)

    await site.publish(tab)
    await popup.getByText('Income 2').waitFor({ timeout: PATIENCE })
    site.income += 1
    await opener.evaluate('void Signalpost.sendSignal("ReportIncome")')
    await popup.getByText('Income 3').waitFor({ timeout: PATIENCE })
    await opener.waitForFunction('own.length > 0', undefined, { timeout: PATIENCE })

    const owns = await Promise.all([opener, popup].map((page) => page.evaluate('window.own')))
    expect(owns).toEqual([[true], [false, false]])
    expect(await opener.locator('#report').textContent()).toBe('Income 1')
  })
})
