import { existsSync } from 'node:fs'
import { launch, type Page } from 'puppeteer-core'
import { PATIENCE } from './chromium.js'
import type { TabBrowser } from './tab-browser.js'

export const FIREFOX_PATH = [process.env.FIREFOX_PATH, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(
  (place) => place && existsSync(place),
)

/** Stock Firefox, by WebDriver BiDi. */
export async function launchFirefox(): Promise<TabBrowser> {
  const browser = await launch({
    browser: 'firefox',
    ...(FIREFOX_PATH && { executablePath: FIREFOX_PATH }),
    timeout: PATIENCE,
  })
  const pages = new Set<Page>()

  return {
    async open(url) {
      // In a window of its own: a tab that nobody sees has slow timers.
      const page = await browser.newPage({ type: 'window' })
      pages.add(page)
      await page.goto(url)
      return {
        goto: async (address) => void (await page.goto(address)),
        evaluate: async <Value>(expression: string) => (await page.evaluate(expression)) as Value,
      }
    },
    async closeTabs() {
      await Promise.all([...pages].map((page) => page.close()))
      pages.clear()
    },
    close: () => browser.close(),
  }
}
