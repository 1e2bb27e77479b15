import { CHROMIUM_PATH } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { FIREFOX_PATH, launchFirefox } from './firefox.js'
import { describeWhere } from './installed.js'
import { useBrowser } from './fixtures.js'
import type { TabBrowser } from './tab-browser.js'
import { hasWebKit, launchWebKit } from './webkit.js'

interface Engine {
  readonly name: string
  readonly isInstalled: unknown
  readonly packages: string
  readonly launch: () => Promise<TabBrowser>
}

const ENGINES: readonly Engine[] = [
  { name: 'Chromium', isInstalled: CHROMIUM_PATH, packages: 'chromium', launch: launchChromium },
  { name: 'Firefox', isInstalled: FIREFOX_PATH, packages: 'firefox-esr', launch: launchFirefox },
  { name: 'WebKit', isInstalled: hasWebKit, packages: 'webkit2gtk-driver xvfb', launch: launchWebKit },
]

/** The same tests in every engine, with one browser for each. */
export function describeInEngines(what: string, define: (browser: () => TabBrowser) => void): void {
  for (const { name, isInstalled, packages, launch } of ENGINES) {
    const describe = describeWhere(isInstalled, `${name} was not found: run apt-get install ${packages}.`)
    describe(`${what} in ${name}`, () => define(useBrowser(launch)))
  }
}
