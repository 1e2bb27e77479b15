import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SignJWT } from 'jose'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeInChromium, PATIENCE, useTabs } from './chromium.js'
import { openHtmlSite } from './html-site.js'
import { type RelayProcess, startRelay } from './relay-process.js'
import { join } from './fixtures.js'
import { readUmd } from './static-server.js'

declare global {
  interface Window {
    /** When the signals came to the page (ms). */
    times?: number[]
  }
}

const TAG = '<script src="/signalpost.min.js" data-url="$relay"></script>'
const requireJs = readFileSync(new URL(import.meta.resolve('requirejs/require.js')), 'utf8')
const REPORT = '<div id="report" data-signal-refresh="ReportIncome">$count</div>'

describeInChromium('a page of HTML', () => {
  const tabs = useTabs()

  /** A page, and the addresses that it opens connections to. */
  async function visit(address: string): Promise<{ readonly page: Page; readonly connections: string[] }> {
    const page = await tabs.blank()
    const connections: string[] = []
    page.on('websocket', (socket) => connections.push(socket.url()))
    await page.goto(address)
    return { page, connections }
  }

  describe('with the script tag', () => {
    it('and one attribute refreshes itself', async () => {
      const site = await openHtmlSite({ '/': `<!doctype html>${TAG}${REPORT}` })
      const other = await join(site.relay)
      const { page, connections } = await visit(site.page)
      await waitForOnline(page)
      for (const count of [1, 2, 3]) {
        site.count = count
        await other.send('ReportIncome', null)
        await page.locator('#report', { hasText: String(count) }).waitFor()
      }
      expect([connections, tabs.complaints]).toEqual([[site.relay.url], []])
    })

    it.each([
      ['in the head, with async', `<head>${TAG.replace('src', 'async src')}</head>`],
      ['in the head, with defer', `<head>${TAG.replace('src', 'defer src')}</head>`],
      ['at the end', `${REPORT}${TAG}`],
      [
        'added by another script',
        `<script>const tag = document.createElement('script'); tag.dataset.url = '$relay'
      tag.src = '/signalpost.min.js'; document.head.append(tag)</script>`,
      ],
      [
        'with the address in a meta element',
        `<meta name="signalpost-url" content="$relay">${TAG.replace('$relay', '')}`,
      ],
      ['twice', `${TAG}${TAG}`],
      [
        'before a script that makes its own client',
        `${TAG.replace(' data-url="$relay"', '')}
      <script>Signalpost.createSignalClient({ url: '$relay' })</script>`,
      ],
      [
        'before a script that makes its own client later',
        `${TAG.replace(' data-url="$relay"', '')}
      <script>setTimeout(() => Signalpost.createSignalClient({ url: '$relay' }), 100)</script>`,
      ],
      [
        'after a script that has made its own client',
        `${TAG.replace(' data-url="$relay"', '')}
      <script>Signalpost.createSignalClient({ url: '$relay' })</script>${TAG}`,
      ],
    ])('%s works, over one connection', async (_where, html) => {
      const site = await openHtmlSite({ '/': `<!doctype html>${html}${html.includes(REPORT) ? '' : REPORT}` })
      const other = await join(site.relay)
      const { page, connections } = await visit(site.page)
      await waitForOnline(page)
      site.count = 1
      await other.send('ReportIncome', null)
      await page.locator('#report', { hasText: '1' }).waitFor()
      expect([connections, site.requests, tabs.complaints]).toEqual([[site.relay.url], ['GET /', 'GET /'], []])
    })

    it('without data-url and without a client connects to nothing', async () => {
      const site = await openHtmlSite({ '/': `<!doctype html>${TAG.replace(' data-url="$relay"', '')}${REPORT}` })
      const { page, connections } = await visit(site.page)
      await page.waitForFunction(() => 'Signalpost' in window)
      expect([connections, await page.evaluate(() => window.Signalpost.getPageClient() === undefined)]).toEqual([
        [],
        true,
      ])
    })

    it('with data-globals runs scripts that know only sendSignal and receiveSignal', async () => {
      const site = await openHtmlSite({
        '/': `<!doctype html>${TAG.replace(' data-url', ' data-globals data-url')}<p></p>
        <script>
          receiveSignal('ReportIncome', function (data) {
            document.querySelector('p').textContent = data.action + data.userId
          });
          sendSignal('ReportIncome', { userId: 123, action: 'refresh' });
        </script>`,
      })
      const { page } = await visit(site.page)
      await waitForOnline(page)
      await page.getByText('refresh123').waitFor()
      expect(tabs.complaints).toEqual([])
    })

    it('makes nothing global without data-globals but Signalpost', async () => {
      const site = await openHtmlSite({ '/': `<!doctype html>${TAG}` })
      const { page } = await visit(site.page)
      await waitForOnline(page)
      expect(
        await page.evaluate(() => ['sendSignal', 'receiveSignal', 'Signalpost'].map((name) => name in window)),
      ).toEqual([false, false, true])
    })

    it.each([
      ['after RequireJS', `<script src="/require.js"></script>`],
      ['after elements whose ids are exports and module', '<p id="exports"></p><p id="module"></p>'],
      [
        'where module and exports are global, as in Electron',
        '<script>window.module = { exports: {} }; window.exports = module.exports</script>',
      ],
    ])('works %s', async (_where, html) => {
      const site = await openHtmlSite({ '/': `<!doctype html>${html}${TAG}${REPORT}`, '/require.js': requireJs })
      const { page, connections } = await visit(site.page)
      await waitForOnline(page)
      expect([connections, tabs.complaints]).toEqual([[site.relay.url], []])
      if (!html.includes('require')) return
      const isShared = page.evaluate(
        `new Promise((resolve) => require(['signalpost'], (api) => resolve(api === Signalpost)))`,
      )
      expect(await isShared).toBe(true)
    })

    it('does nothing by itself when RequireJS loads it', async () => {
      const site = await openHtmlSite({
        '/': `<!doctype html><script src="/require.js"></script>${REPORT}`,
        '/require.js': requireJs,
      })
      const { page, connections } = await visit(site.page)
      const names = page.evaluate(
        `new Promise((resolve) => require(['/signalpost.min.js'], (api) => resolve(Object.keys(api))))`,
      )
      expect(await names).toContain('createSignalClient')
      expect(await page.evaluate(() => 'Signalpost' in window)).toBe(false)
      expect([connections, tabs.complaints]).toEqual([[], []])
    })

    it('tells a wrong address on the console, and does the rest', async () => {
      const site = await openHtmlSite({ '/': `<!doctype html>${TAG.replace('$relay', 'ftp://x')}` })
      const page = await tabs.open(site.page)
      await page.waitForFunction(() => 'Signalpost' in window)
      await expect.poll(() => tabs.complaints).toEqual([expect.stringContaining('The url must begin with wss://')])
    })

    it('takes the token from a meta element, and again before every connection', async () => {
      const secret = 'a-secret-of-at-least-32-characters'
      const relay = await startRelay('--auth-secret', secret)
      onTestFinished(relay.kill)
      const site = await openHtmlSite({
        '/': `<!doctype html><meta name="signalpost-token" content="${await sign(secret, 'ann')}">
        <script src="/signalpost.min.js" data-url="${relay.url}"></script><p></p>
        <script>document.addEventListener('signal:A', ({ signal }) => {
          document.querySelector('p').textContent = signal.sender.user
        })</script>`,
      })
      const { page } = await visit(site.page)
      await waitForOnline(page)
      await page.evaluate(() => window.Signalpost.sendSignal('A'))
      await page.getByText('ann').waitFor()

      const fresh = await sign(secret, 'bob')
      await page.evaluate((token) => document.querySelector('meta')?.setAttribute('content', token), fresh)
      await relay.kill()
      await relay.start()
      await page.waitForFunction(() => {
        const { status } = window.Signalpost.getPageClient() ?? {}
        return status?.state === 'online' && status.resumed
      })
      await page.evaluate(() => window.Signalpost.sendSignal('A'))
      await page.getByText('bob').waitFor()
      expect(tabs.complaints.filter((text) => !text.includes('WebSocket connection'))).toEqual([])
    })
  })

  describe('with attributes', () => {
    it('on 50 elements costs one connection and one fetch for a burst of 1,000 signals, two at the most', async () => {
      const elements = Array.from({ length: 50 }, (_, n) => REPORT.replace('report', `report-${n}`)).join('')
      const site = await openHtmlSite({ '/': `<!doctype html>${TAG}${elements}` })
      const other = await join(site.relay)
      const { page, connections } = await visit(site.page)
      await waitForOnline(page)
      await page.evaluate(() => {
        window.times = []
        document.addEventListener('signal:ReportIncome', () => window.times?.push(performance.now()))
      })
      // On a busy machine the signals would come with pauses, which are no burst.
      const release = await blockPage(page)
      const sent: Promise<void>[] = []
      for (let n = 1; n <= 1000; n += 1) {
        site.count = n
        sent.push(other.send('ReportIncome', n))
      }
      await Promise.all(sent)
      await release()
      await page.waitForFunction(
        () =>
          [...document.querySelectorAll('[data-signal-refresh]')].filter(({ textContent }) => textContent === '1000')
            .length === 50,
      )
      expect(connections).toEqual([site.relay.url])
      // A slow machine hands out the burst for longer than `maxWait`, 2 s, which ends in a fetch each time.
      const duration = await page.evaluate(() => (window.times?.at(-1) ?? NaN) - (window.times?.[0] ?? NaN))
      expect(site.requests.length - 1).toBeLessThanOrEqual(2 + Math.floor(duration / 2000))
      expect(tabs.complaints).toEqual([])
    })

    it('take an id with any characters', async () => {
      const id = '1 + 1:2.#[x]'
      const site = await openHtmlSite({ '/': `<!doctype html>${TAG}${REPORT.replace('"report"', `"${id}"`)}` })
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      await waitForOnline(page)
      site.count = 4
      await other.send('ReportIncome', null)
      await page.waitForFunction((id) => document.getElementById(id)?.textContent === '4', id)
      expect(tabs.complaints).toEqual([])
    })

    it('fetch a fragment again and again, though it does not repeat them', async () => {
      const site = await openHtmlSite({
        '/': `<!doctype html>${TAG}<table><tbody id="rows" data-signal-refresh="ReportIncome" data-signal-src="/rows"></tbody></table>`,
        '/rows': '<tbody id="rows"><tr><td>$count</td></tr></tbody>',
      })
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      await waitForOnline(page)
      for (const count of [1, 2, 3]) {
        site.count = count
        await other.send('ReportIncome', null)
        await page.locator('tbody#rows > tr > td', { hasText: String(count) }).waitFor()
      }
      expect([site.requests, tabs.complaints]).toEqual([['GET /', 'GET /rows', 'GET /rows', 'GET /rows'], []])
    })

    it('submit the filter form of a page, and two such pages never answer each other for ever', async () => {
      const form =
        '<form data-signal-refresh="ReportIncome" data-signal-send="ReportIncome"><input name="year" value="2026"></form>'
      const site = await openHtmlSite({
        '/': `<!doctype html>${TAG}${form}${REPORT.replace(/ data-signal-refresh="\w+"/, '')}`,
      })
      const other = await join(site.relay)
      const [one, two] = [await tabs.open(`${site.page}?year=2025`), await tabs.open(site.page)]
      for (const page of [one, two]) await waitForOnline(page)
      site.count = 1
      await other.send('ReportIncome', null)
      for (const page of [one, two]) await page.waitForURL((url) => url.search === '?year=2026')
      for (const page of [one, two]) await page.locator('#report', { hasText: '1' }).waitFor()
      for (const page of [one, two]) await waitForOnline(page)
      await other.send('Marker', null)
      expect(other.heard.map(({ signal }) => signal)).toEqual(['ReportIncome', 'Marker'])
      expect(site.requests).toHaveLength(4)
    })

    it.each([
      ['leaves the page', {}, '/next', 1],
      ['opens a tab by the control key', { modifiers: ['Control' as const] }, '/', 2],
      ['opens a tab by the middle button', { button: 'middle' as const }, '/', 2],
    ])('send when a link %s', async (_how, options, path, pages) => {
      const site = await openHtmlSite({
        '/': `<!doctype html>${TAG}<a href="/next" data-signal-send="Left" data-signal-data="1">Leave</a>`,
        '/next': '<!doctype html><title>Next</title>',
      })
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      await waitForOnline(page)
      await page.getByRole('link').click(options)
      await expect
        .poll(() => other.heard.map(({ signal, data }) => [signal, data]), { timeout: PATIENCE })
        .toEqual([['Left', 1]])
      await expect.poll(() => page.context().pages().length, { timeout: PATIENCE }).toBe(pages)
      await page.waitForURL((url) => url.pathname === path)
      expect(tabs.complaints).toEqual([])
    })

    it('send, once each, what 20 forms that are submitted at once say, before there is a connection too (G2, G3)', async () => {
      const site = await openHtmlSite({
        '/': `<!doctype html>${TAG}<form method="post" data-signal-send="Saved"><button>Save</button></form><p>$count</p>`,
      })
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      for (let n = 1; n <= 20; n += 1) {
        if (n % 2 === 0) await waitForOnline(page)
        await page.evaluate((data) => document.querySelector('form')?.setAttribute('data-signal-data', data), String(n))
        await page.getByRole('button').click()
        await page.locator('p', { hasText: new RegExp(`^${n}$`) }).waitFor()
      }
      await expect.poll(() => other.heard.length, { timeout: PATIENCE }).toBe(20)
      expect(other.heard.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
    })

    it.each([
      ['leads on', `location.replace('/next')`, `location.href = '/saved'`],
      ['is a window that closes', 'close()', `void open('/saved')`],
      [
        'is a frame that is removed',
        'frameElement.remove()',
        `void document.body.append(Object.assign(document.createElement('iframe'), { src: '/saved' }))`,
      ],
    ])('on a meta element send, though its page %s before it is complete', async (_how, leave, save) => {
      const site = await openHtmlSite({
        '/': '<!doctype html><body></body>',
        '/saved': `<!doctype html>${TAG}<meta data-signal-send="Saved" data-signal-data="1"><script>${leave}</script>`,
        '/next': '<!doctype html><title>Next</title>',
      })
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      await page.evaluate(save)
      await expect.poll(() => other.heard.length, { timeout: PATIENCE }).toBe(1)
      expect([other.heard[0]?.signal, other.heard[0]?.data, tabs.complaints]).toEqual(['Saved', 1, []])
    })

    it('that are wrong are told on the console with their place, and the others work', async () => {
      const site = await openHtmlSite({
        '/': `<!doctype html>${TAG}<p data-signal-refresh="ReportIncome"></p><p id="where" data-signal-refresh="ReportIncome" data-signal-where="x"></p>
        <button data-signal-send="A" data-signal-data="{">Save</button>${REPORT}`,
      })
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      await waitForOnline(page)
      await page.getByRole('button').click()
      site.count = 5
      await other.send('ReportIncome', null)
      await page.locator('#report', { hasText: '5' }).waitFor()
      expect(tabs.complaints).toEqual([
        expect.stringContaining('p: The element needs a unique id'),
        expect.stringContaining('p#where: data-signal-where is like'),
        expect.stringContaining('button: data-signal-data takes JSON'),
      ])
    })

    it('work under a strict content policy with Trusted Types, and leave no inline style', async () => {
      const site = await openHtmlSite(
        {
          '/': `<!doctype html>${TAG}<output data-signal-status></output>${REPORT}<button data-signal-send="Saved">Save</button>`,
        },
        {
          'Content-Security-Policy': [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self' ws: http:",
            "require-trusted-types-for 'script'",
            'trusted-types signalpost',
          ].join('; '),
        },
      )
      const other = await join(site.relay)
      const page = await tabs.open(site.page)
      await page.locator('output', { hasText: 'online' }).waitFor()
      site.count = 3
      await other.send('ReportIncome', null)
      await page.locator('#report', { hasText: '3' }).waitFor()
      await page.getByRole('button').click()
      await expect.poll(() => other.heard.at(-1)?.signal, { timeout: PATIENCE }).toBe('Saved')
      expect([await page.locator('[style]').count(), tabs.complaints]).toEqual([0, []])
    })
  })

  describe('from a disk', () => {
    it.each([
      ['one element', `<div id="report" data-signal-refresh="ReportIncome"></div>`],
      ['the page', `<body data-signal-refresh="ReportIncome"></body>`],
    ])('loads again for %s, and sends', async (_what, html) => {
      const relay = await startRelay('--origin', 'null')
      onTestFinished(relay.kill)
      const other = await join(relay)
      const page = await tabs.open(await writePage(relay, `${html}<button data-signal-send="Saved">Save</button>`))
      await waitForOnline(page)
      await page.getByRole('button').click()
      await expect.poll(() => other.heard.map(({ signal }) => signal), { timeout: PATIENCE }).toEqual(['Saved'])

      const again = page.waitForEvent('load')
      await other.send('ReportIncome', null)
      await again
      await waitForOnline(page)
      expect(tabs.complaints).toEqual([])
    })
  })
})

async function waitForOnline(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.signalState === 'online')
}

/** Blocks the main thread of a page by a synchronous request. Returns the end of it. */
async function blockPage(page: Page): Promise<() => Promise<void>> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const request = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const blocked = page.evaluate((address) => {
    const waiting = new XMLHttpRequest()
    waiting.open('GET', address, false)
    waiting.send()
  }, `http://127.0.0.1:${port}/`)
  const [, response] = await request
  return async () => {
    response.writeHead(200, { 'Access-Control-Allow-Origin': '*', Connection: 'close' }).end()
    await blocked
    server.close()
  }
}

async function writePage({ url }: RelayProcess, html: string): Promise<string> {
  const folder = await mkdtemp(joinPath(tmpdir(), 'signalpost-page-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(joinPath(folder, 'signalpost.min.js'), await readUmd())
  const file = joinPath(folder, 'page.html')
  await writeFile(file, `<!doctype html><script src="signalpost.min.js" data-url="${url}"></script>${html}`)
  return pathToFileURL(file).href
}

async function sign(secret: string, user: string): Promise<string> {
  const token = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject(user).setExpirationTime('1h')
  return token.sign(new TextEncoder().encode(secret))
}
