import type * as Signalpost from 'signalpost'
import { WebSocketServer } from 'ws'
import { afterEach, expect, it } from 'vitest'
import { describeInChromium, PATIENCE, type Tabs, useTabs } from './chromium.js'
import { findFreePort } from '../support/free-port.mjs'
import { readUmd, serve, type StaticServer } from './static-server.js'

declare global {
  interface Window {
    Signalpost: typeof Signalpost
    errors: string[]
    /** The text of the first error. */
    message: string | undefined
    state: () => string
  }
}

describeInChromium('a server that is not a relay', () => {
  const tabs = useTabs()
  let server: StaticServer | undefined

  afterEach(() => server?.close())

  it.each([200, 404, 426])(
    'that answers an upgrade with %i is named as such, and the page keeps trying',
    async (status) => {
      const files = { '/': PAGE, '/signalpost.min.js': await readUmd() }
      server = await serve(files, {}, ({ url }, response) => {
        if (url === '/signals') response.writeHead(status).end('A proxy answers.')
        return url === '/signals'
      })

      const page = await connect(tabs, server)

      await page.waitForFunction(() => window.errors.length > 0)
      expect(await page.evaluate(() => window.errors)).toEqual(['unreachable'])
      expect(await page.evaluate(() => window.message)).toContain(`HTTP works (${status}): let the proxy upgrade.`)
      await page.waitForFunction(() => window.state() === 'waiting')
    },
  )

  it('is named as such on another origin, too, which hides its status', async () => {
    server = await serve({ '/': PAGE, '/signalpost.min.js': await readUmd() })

    const page = await connect(tabs, server, `ws://127.0.0.1:${server.port}/signals`)

    await page.waitForFunction(() => window.errors.length > 0)
    expect(await page.evaluate(() => window.message)).toContain('HTTP works (0)')
  })

  it('is not named as a proxy when nothing answers at all', async () => {
    server = await serve({ '/': PAGE, '/signalpost.min.js': await readUmd() })

    const page = await connect(tabs, server, `ws://127.0.0.1:${await findFreePort()}/signals`)

    await page.waitForFunction(() => window.errors.length > 0)
    expect(await page.evaluate(() => window.message)).toContain('/signals. Check that it runs')
  })

  it('is reported as no-protocol when it only echoes, and the page keeps trying', async () => {
    server = await serve({ '/': PAGE, '/signalpost.min.js': await readUmd() })
    const echo = new WebSocketServer({ server: server.http, path: '/signals' })
    echo.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))

    const page = await connect(tabs, server)

    await page.waitForFunction(() => window.errors.length > 0)
    expect(await page.evaluate(() => window.errors[0])).toBe('no-protocol')
    await page.waitForFunction(() => window.state() === 'waiting')
    await expect.poll(() => echo.clients.size, { timeout: PATIENCE }).toBe(0)
  })

  it('is refused at the call when an https page names a ws:// relay', async () => {
    const page = await tabs.blank()
    const umd = await readUmd()
    await page.route('https://signalpost.test/**', (route) =>
      route.request().url().endsWith('.js')
        ? route.fulfill({ contentType: 'text/javascript', body: umd })
        : route.fulfill({ contentType: 'text/html', body: PAGE }),
    )
    await page.goto('https://signalpost.test/')

    const caught = await page.evaluate(() => {
      try {
        window.Signalpost.createSignalClient({ url: 'ws://relay.test/signals' })
        return 'nothing'
      } catch (error) {
        return window.Signalpost.isSignalError(error) ? error.code : String(error)
      }
    })

    expect(caught).toBe('insecure-url')
  })
})

const PAGE = '<!doctype html><script src="/signalpost.min.js"></script>'

async function connect(tabs: Tabs, { page: address }: StaticServer, url?: string) {
  const page = await tabs.open(address)
  await page.evaluate((relay) => {
    window.errors = []
    const onError = ({ code, message }: Signalpost.SignalError): void => {
      window.message ??= message
      window.errors.push(code)
    }
    const client = window.Signalpost.createSignalClient({ onError, ...(relay && { url: relay }) })
    window.state = () => client.status.state
  }, url)
  return page
}
