import { expect, it } from 'vitest'
import { describeInChromium } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { join, useBrowser } from './fixtures.js'
import { openHtmlSite } from './html-site.js'
import { waitFor } from './tab-browser.js'

const WORKER = `
  importScripts('/signalpost.min.js')
  const client = Signalpost.createSignalClient({ url: '$relay' })
  client.onStatus(({ state }) => postMessage(state))
  client.receiveSignal('ReportIncome', (data) => postMessage(data))
  onmessage = ({ data }) => client.sendSignal('Saved', data).then(({ outcome }) => postMessage(outcome))
`

describeInChromium('a worker, which has no window', () => {
  const browser = useBrowser(launchChromium)

  it('connects, sends and receives', async () => {
    const script = `const worker = new Worker('/worker.js'), told = []; worker.onmessage = ({ data }) => told.push(data)`
    const site = await openHtmlSite({ '/': `<!doctype html><script>${script}</script>`, '/worker.js': WORKER })
    const other = await join(site.relay)
    const tab = await browser().open(site.page)
    await waitFor(tab, `told.includes('online')`)
    await other.send('ReportIncome', 7)
    await waitFor(tab, 'told.includes(7)')
    await tab.evaluate('worker.postMessage(8)')
    await waitFor(tab, `told.includes('accepted')`)
    expect(other.heard.map(({ signal, data }) => [signal, data])).toEqual([
      ['ReportIncome', 7],
      ['Saved', 8],
    ])
  })
})
