import { afterEach, expect, it } from 'vitest'
import { describeInChromium, useTabs } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { describeInEngines } from './engines.js'
import { useBrowser } from './fixtures.js'
import { type RelayProcess, startRelay } from './relay-process.js'
import { readUmd, serve, type StaticServer } from './static-server.js'
import { type TabBrowser, waitFor } from './tab-browser.js'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  'connect-src ws:',
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const PAGE =
  '<!doctype html><script src="/signalpost.min.js"></script><script src="/app.js"></script><p id="heard"></p>'

describeInChromium('the script-tag build under a strict content policy', () => {
  const tabs = useTabs()
  let relay: RelayProcess | undefined
  let server: StaticServer | undefined

  afterEach(async () => {
    await server?.close()
    await relay?.kill()
  })

  it('S49 needs no eval, no inline code and no Trusted Types policy', async () => {
    relay = await startRelay()
    const app = `
      Signalpost.createSignalClient({ url: '${relay.url}' })
      Signalpost.receiveSignal('ReportIncome', ({ userId }) => (document.getElementById('heard').textContent = userId))
      Signalpost.sendSignal('ReportIncome', { userId: 4711 })
    `
    server = await serve(
      { '/': PAGE, '/app.js': app, '/signalpost.min.js': await readUmd() },
      { 'Content-Security-Policy': POLICY },
    )

    const page = await tabs.open(server.page)

    await page.getByText('4711').waitFor()
    expect(tabs.complaints).toEqual([])
  })
})

const SCRIPT = `
  texts = []
  tell = (text) => texts.push(text)
  connect = () => Signalpost.createSignalClient({ url: 'ws://' + location.host + '/signals', onError: ({ message }) => tell(message) })
`

/** Opens a page whose policy, or policy that only reports, is without the relay. */
async function openUnderPolicy(browser: TabBrowser, header: string, app: string) {
  const worker = `importScripts('/signalpost.min.js', '/script.js')\ntell = postMessage\nconnect()`
  const scripts = ['/signalpost.min.js', '/script.js', '/app.js'].map((path) => `<script src="${path}"></script>`)
  const files = {
    '/': `<!doctype html>${scripts.join('')}`,
    '/script.js': SCRIPT,
    '/app.js': app,
    '/worker.js': worker,
  }
  const server = await serve({ ...files, '/signalpost.min.js': await readUmd() }, { [header]: "connect-src 'none'" })
  const tab = await browser.open(server.page)
  await waitFor(tab, 'texts.length > 0')
  const text = await tab.evaluate<string>('texts[0]')
  await server.close()
  return text
}

describeInEngines('a content policy without the relay', (browser) => {
  it('is named by the error', async () => {
    const text = await openUnderPolicy(browser(), 'Content-Security-Policy', 'connect()')
    expect(text).toContain('The content policy blocks it: add it to connect-src.')
  })

  it('is not named where the policy only reports', async () => {
    const text = await openUnderPolicy(browser(), 'Content-Security-Policy-Report-Only', 'connect()')
    expect(text).toContain('HTTP works (404)')
  })
})

// WebKit has no such event in workers.
describeInChromium('a content policy without the relay in a worker', () => {
  const browser = useBrowser(launchChromium)

  it('is named by the error', async () => {
    const app = "new Worker('/worker.js').onmessage = ({ data }) => tell(data)"
    const text = await openUnderPolicy(browser(), 'Content-Security-Policy', app)
    expect(text).toContain('The content policy blocks it: add it to connect-src.')
  })
})
