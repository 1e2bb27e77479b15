import { build } from 'esbuild'
import { type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { describeInChromium, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { readUmd, serve, type StaticServer } from '../browser/static-server.js'
import { textsOf } from '../package/blocks.js'

/** The code of `README.md`, `examples/README.md` and the guides works as it is shown, with another address of the relay. */

const README = 'examples/README.md'
const [markup = '', saidByPage = ''] = textsOf(README, 'html')
const [refreshing = '', saving = ''] = textsOf(README, 'ts')
const [component = ''] = textsOf(README, 'tsx')
const [first = '', saved = ''] = textsOf('README.md', 'html')
const [firstComponent = ''] = textsOf('README.md', 'tsx')
const [globals = ''] = textsOf('examples/guides/api.md', 'html')
const [everyAction = ''] = textsOf('examples/guides/refresh.md', 'ts')
const contract = textsOf('examples/guides/typescript.md', 'ts').find((text) => text.includes('defineSignals')) ?? ''

const form = (next: string): string =>
  `<form method="post" action="/incomes?next=${next}"><input name="amount" value="250"><button>Save</button></form>`

describeInChromium('README.md, examples/README.md and the guides in a browser', () => {
  const tabs = useTabs()
  let relay: RelayProcess
  let server: StaticServer
  let incomes = 0

  beforeAll(async () => {
    relay = await startRelay()
    const here = (text: string): string =>
      text.replaceAll(/wss?:\/\/(localhost:8081|relay\.example\.com)\/signals/g, relay.url)
    const mount = (code: string): Promise<string> =>
      bundle(`
        import { createRoot } from 'react-dom/client'
        import { createSignalClient } from 'signalpost'
        ${code}
        createSignalClient({ url: '${relay.url}' })
        createRoot(document.querySelector('main')).render(<Report />)`)
    const scripts = {
      '/signalpost.min.js': await readUmd(),
      '/refreshing.js': await bundle(here(refreshing)),
      '/saving.js': await bundle(here(saving)),
      '/component.js': await mount(component),
      '/first-component.js': await mount(firstComponent),
      '/every-action.js': await bundle(
        `import { createSignalClient } from 'signalpost'; createSignalClient({ url: '${relay.url}' }); ${everyAction}`,
      ),
      '/contract.js': await bundle(contract.replace("'/signals'", `'${relay.url}'`)),
    }
    const pages: Readonly<Record<string, () => string>> = {
      '/html': () => here(markup).replace(/<!--.*-->/, String(incomes)),
      '/npm': () => `<section id="report">${incomes}</section><script src="/refreshing.js"></script>`,
      '/react': () => '<main></main><script src="/component.js"></script>',
      '/total': () => String(incomes),
      '/form': () => form('/saved'),
      '/form-with-script': () => `${form('/saved')}<script src="/saving.js"></script>`,
      '/saved': () => here(saidByPage),
      '/first': () => here(first).replace('…', String(incomes)),
      '/first-react': () => '<main></main><script src="/first-component.js"></script>',
      '/first-form': () => form('/first-saved'),
      '/first-saved': () => here(first + saved),
      '/globals': () => here(globals),
      '/every-action': () => `<section id="report">${incomes}</section>
        <form id="filter"><input name="year" value="2026"></form><script src="/every-action.js"></script>`,
      '/report/total': () => String(incomes),
      '/contract': () => '<script src="/contract.js"></script>',
    }
    server = await serve(scripts, {}, (request, response) => {
      const url = new URL(request.url ?? '', server.page)
      const page = pages[url.pathname]
      if (request.method === 'POST') {
        incomes += 1
        // Unread, a body would break the connection.
        request
          .resume()
          .on('end', () => response.writeHead(303, { Location: url.searchParams.get('next') ?? '/' }).end())
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
    ['one line of HTML', 'html', 'form', 'section'],
    ['the npm package', 'npm', 'form', 'section'],
    ['React', 'react', 'form', 'output'],
    ["the README's first lines", 'first', 'first-form', 'section'],
    ["the README's component", 'first-react', 'first-form', 'output'],
  ])('refreshes a report with %s, when the page after saving says so', async (_, path, from, element) => {
    const report = await openReport(path, element)
    const page = await open(from)

    await page.getByRole('button').click()

    await report.locator(element, { hasText: '1' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })

  it('says with the npm package that a form was saved', async () => {
    const report = await openReport('html', 'section')
    const page = await open('form-with-script')

    await page.evaluate('saving.save(document.querySelector("form"))')

    await report.locator('section', { hasText: '1' }).waitFor()
    expect(tabs.complaints).toEqual([])
  })

  it("refreshes with every action of the guide's block, each on its own signal and room", async () => {
    const report = await openReport('every-action', 'section')
    const page = await open('globals')
    const send = (name: string, room = 'main'): Promise<unknown> =>
      page.evaluate(
        ([name, room]) => window.Signalpost.sendSignal(name ?? '', { userId: 1 }, { room: room ?? 'main' }),
        [name, room],
      )
    incomes = 1
    await send('ReportIncome')
    await report.locator('section', { hasText: '1' }).waitFor()
    const total = report.waitForRequest((request) => request.url().endsWith('/report/total'))
    await send('ReportExpense')
    await total
    await send('ReportIncome', 'team:7')
    await report.waitForURL((url) => url.search === '?year=2026')
    const again = report.waitForEvent('load')
    await send('NewRelease')
    await again
    expect(tabs.complaints).toEqual([])
  })

  it('hears with a contract what keeps to it', async () => {
    const page = await open('form')
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    await page.goto(`${server.page}contract`)
    // Its page says that user 123 has reported.
    await open('globals')
    await expect.poll(() => said).toEqual(['123'])
  })

  it('hears a signal as an event of the page and by the global function', async () => {
    const page = await open('form')
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    await page.goto(`${server.page}globals`)
    await expect.poll(() => said).toEqual(['123', '123'])
  })
})

describe('examples/README.md', () => {
  it('starts the relay with a command that it has', () => {
    const [line = ''] = textsOf(README, 'sh')
    const [npx, name, ...args] = line.trim().split(' ')
    expect([npx, name, readCommand(args, {}, '').run]).toEqual(['npx', 'signalpost', 'relay'])
  })
})

describe('README.md', () => {
  it('shows of PHP what examples/README.md shows, which is run', () => {
    expect(textsOf('README.md', 'php')).toEqual(textsOf(README, 'php'))
  })
})

/** A script of the page, from code that imports packages. */
async function bundle(code: string): Promise<string> {
  const { outputFiles } = await build({
    // Not the root: there the map `browser` of package.json would stand for react itself.
    stdin: { contents: code, loader: 'tsx', resolveDir: import.meta.dirname },
    bundle: true,
    format: 'iife',
    globalName: 'saving',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}
