import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { describeWhere } from './installed.js'

/** Long enough for a busy machine with two cores, and shorter than the limit of a test, so that the reason is told. */
export const PATIENCE = 45_000

export const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const CHROMIUM_PATH = [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find(
  (place) => place && existsSync(place),
)

/** Like `describe`, but skipped where there is no Chromium. In CI that fails instead. */
export const describeInChromium = describeWhere(
  CHROMIUM_PATH,
  'Chromium was not found: run apt-get install chromium, or set CHROMIUM_PATH.',
)

export interface Tabs {
  /** Opens a tab that shares its storage with the other tabs of the test. */
  open(url: string): Promise<Page>
  /** A tab without a page yet. */
  blank(): Promise<Page>
  /** What the consoles of all tabs complained about, broken content policies and uncaught errors included. */
  readonly complaints: string[]
  /** Throws if there is any of them. */
  checkQuiet(): void
}

/** One browser for the file, and fresh tabs for each test. */
export function useTabs(): Tabs {
  let browser: Browser | undefined
  let context: BrowserContext | undefined
  const complaints: string[] = []

  beforeAll(async () => {
    browser = await chromium.launch({
      ...(CHROMIUM_PATH && { executablePath: CHROMIUM_PATH }),
      args: FLAGS,
      timeout: PATIENCE,
    })
  })
  beforeEach(async () => {
    complaints.length = 0
    context = await browser?.newContext()
    context?.setDefaultTimeout(PATIENCE)
  })
  afterEach(() => context?.close())
  afterAll(() => browser?.close())

  async function blank(): Promise<Page> {
    if (!context) throw new Error('Tabs can be opened only inside of a test.')
    const page = await context.newPage()
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return
      // Browsers ask for it unasked, and an example needs none.
      if (!message.location().url.endsWith('/favicon.ico')) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    return page
  }

  return {
    complaints,
    checkQuiet() {
      if (complaints.length > 0) throw new Error(`The console is not quiet:\n${complaints.join('\n')}`)
    },
    blank,
    async open(url) {
      const page = await blank()
      await page.goto(url)
      return page
    },
  }
}
