/**
 * Milliseconds that a script tag takes in Chromium: from the parsing of the script to its end, and from the navigation to
 * a connection that is online, on a page that is still being parsed then.
 */
import { readFileSync } from 'node:fs'
import { openChromium } from './chromium.mjs'
import { file } from './peers.mjs'
import { SLOWDOWNS } from './plan.mjs'

const read = (path) => readFileSync(file(path), 'utf8')

/** Each library as a page would run it: the script itself, and a statement that connects if the script does not. */
const LIBRARIES = {
  signalpost: { code: () => read('../../dist/umd/signalpost.min.js'), attributes: 'data-url="SIGNALS"' },
  htmx: { code: () => read('node_modules/htmx.org/dist/htmx.min.js') },
  'socket.io': {
    code: () => read('node_modules/socket.io-client/dist/socket.io.min.js'),
    connect: `io('SOCKET_IO', { transports: ['websocket'] }).on('connect', noteOnline)`,
  },
}

const NOTE = `
  const noteOnline = () => { globalThis.onlineAt ??= performance.now() }
  if (typeof Signalpost === 'object') Signalpost.onSignalStatus(({ state }) => state === 'online' && noteOnline())`

/** Rows and scripts, as of a page that takes a while. */
const ROWS = '<tr><td>a row of a table<td>another cell</tr>'.repeat(3000)
const BUSY = '<script>for (const end = performance.now() + 25; performance.now() < end; );</script>'
const REST = `<table>${ROWS}</table>${BUSY}${BUSY}<table>${ROWS}</table>${BUSY}${BUSY}`

function render(kind, addresses) {
  const { code, attributes = '', connect = '' } = LIBRARIES[kind]
  const page = [
    '<!doctype html><title>A page</title>',
    '<script>const begin = performance.now()</script>',
    `<script ${attributes}>${code().replaceAll('</script', '<\\/script')}</script>`,
    '<script>globalThis.took = performance.now() - begin</script>',
    `<script>${NOTE};${connect}</script>`,
    REST,
  ].join('')
  return page.replace('SIGNALS', addresses.signalpost).replace('SOCKET_IO', addresses['socket.io'])
}

/** Prepares Chromium and a server; the function that it returns measures one kind once. */
export async function prepareTag(kinds, addresses) {
  const pages = Object.fromEntries(kinds.map((kind) => [`/${kind}`, render(kind, addresses)]))
  const chromium = await openChromium(({ url }, response) => response.end(pages[url] ?? ''))

  async function measureOnce(kind, rate) {
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    await devtools.send('Emulation.setCPUThrottlingRate', { rate })
    await page.goto(`${chromium.address}/${kind}`)
    const hasConnection = kind in addresses
    if (hasConnection) await page.waitForFunction(() => globalThis.onlineAt)
    const times = await page.evaluate(() => ({ took: globalThis.took, online: globalThis.onlineAt ?? 0 }))
    await context.close()
    return times
  }

  return {
    async measure(kind) {
      const results = []
      for (const rate of SLOWDOWNS) results.push(await measureOnce(kind, rate))
      return results
    },
    stop: chromium.stop,
  }
}
