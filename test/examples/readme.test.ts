import { build } from 'esbuild'
import { type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readCommand } from '../../examples/relay/command.js'
import { describeInChromium, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { readUmd, serve, type StaticServer } from '../browser/static-server.js'
import { textsOf } from '../package/blocks.js'
import { ROOT } from '../package/root.js'

/** What `examples/README.md` shows works as it is shown, with another address of the relay. */

const README = 'examples/README.md'
const [markup = '', saidByPage = ''] = textsOf(README, 'html')
const [refreshing = '', saving = ''] = textsOf(README, 'ts')
const [component = ''] = textsOf(README, 'tsx')

const FORM = '<form method="post" action="/incomes"><input name="amount" value="250"><button>Save</button></form>'

describeInChromium('examples/README.md in a browser', () => {
  const tabs = useTabs()
  let relay: RelayProcess
  let server: StaticServer
  let incomes = 0

  beforeAll(async () => {
    relay = await startRelay()
    const here = (text: string): string => text.replaceAll('ws://localhost:8081/signals', relay.url)
    const scripts = {
      '/signalpost.min.js': await readUmd(),
      '/refreshing.js': await bundle(here(refreshing)),
      '/saving.js': await bundle(here(saving)),
      '/component.js': await bundle(`
        import { createRoot } from 'react-dom/client'
        import { createSignalClient } from 'signalpost'
        ${component}
        createSignalClient({ url: '${relay.url}' })
        createRoot(document.querySelector('main')).render(<Report />)`),
    }
    const pages: Readonly<Record<string, () => string>> = {
      '/html': () => here(markup).replace(/<!--.*-->/, String(incomes)),
      '/npm': () => `<section id="report">${incomes}</section><script src="/refreshing.js"></script>`,
      '/react': () => '<main></main><script src="/component.js"></script>',
      '/total': () => String(incomes),
      '/form': () => FORM,
      '/form-with-script': () => `${FORM}<script src="/saving.js"></script>`,
      '/saved': () => here(saidByPage),
    }
    server = await serve(scripts, {}, (request, response) => {
      const page = pages[request.url ?? '']
      if (request.method === 'POST') {
        incomes += 1
        // Unread, a body would break the connection.
        request.resume().on('end', () => response.writeHead(303, { Location: '/saved' }).end())
      } else if (page) response.setHeader('Content-Type', 'text/html').end(page())
      else return false
      return true
    })
  })
  beforeEach(() => {
    incomes = 0
  })
  afterAll(async () => {
    await server?.close()
    await relay?.kill()
  })

  const open = (path: string): Promise<Page> => tabs.open(`${server.page}${path}`)

  async function openReport(path: string, element: string): Promise<Page> {
    const report = await open(path)
    await report.locator(element, { hasText: '0' }).waitFor()
    return report
  }

  it.each([
    ['one line of HTML', 'html', 'section'],
    ['the npm package', 'npm', 'section'],
    ['React', 'react', 'output'],
  ])('refreshes a report with %s, when the page after saving says so', async (_, path, element) => {
    const report = await openReport(path, element)
    const form = await open('form')

    await form.getByRole('button').click()

    await report.locator(element, { hasText: '1' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })

  it('says with the npm package that a form was saved', async () => {
    const report = await openReport('html', 'section')
    const form = await open('form-with-script')

    await form.evaluate('saving.save(document.querySelector("form"))')

    await report.locator('section', { hasText: '1' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })
})

describe('examples/README.md', () => {
  it('starts the relay with a command that it has', () => {
    const [line = ''] = textsOf(README, 'sh')
    const [npx, name, ...args] = line.trim().split(' ')
    expect([npx, name, readCommand(args, {}, '').run]).toEqual(['npx', 'signalpost', 'relay'])
  })
})

/** A script of the page, from code that imports packages. */
async function bundle(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, loader: 'tsx', resolveDir: ROOT },
    bundle: true,
    format: 'iife',
    globalName: 'saving',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}
