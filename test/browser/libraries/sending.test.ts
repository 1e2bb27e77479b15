import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE } from '../chromium.js'
import { launchChromium } from '../chromium-devtools.js'
import { describeInEngines } from '../engines.js'
import { join, useBrowser } from '../fixtures.js'
import { openHtmlSite } from '../html-site.js'
import { describeWhere } from '../installed.js'
import { type TabBrowser, waitFor } from '../tab-browser.js'
import { isInstalled } from './guide-site.js'

const TAG = '<!doctype html><script src="/signalpost.min.js" data-url="$relay"></script>'

const describeInstalled = describeWhere(
  isInstalled,
  'The libraries of pages are missing: run npm ci --prefix test/browser/libraries.',
)

function read(path: string): string {
  return isInstalled ? readFileSync(new URL(`node_modules/${path}`, import.meta.url), 'utf8') : ''
}

/** Libraries as their users load them, by name. */
const LIBRARIES = {
  turbo: read('@hotwired/turbo/dist/turbo.es2017-umd.js'),
  'rails-ujs': read('@rails/ujs/app/assets/javascripts/rails-ujs.js'),
  htmx: read('htmx4/dist/htmx.min.js'),
  'htmx-2': read('htmx.org/dist/htmx.min.js'),
  jquery: read('jquery/dist/jquery.min.js'),
  alpine: read('alpinejs/dist/cdn.min.js'),
  unpoly: read('unpoly/unpoly.min.js'),
  nothing: '',
}

const FILES = Object.fromEntries(Object.entries(LIBRARIES).map(([name, text]) => [`/${name}.js`, text]))

interface Case {
  readonly what: string
  readonly library: keyof typeof LIBRARIES
  readonly html: string
  /** Run in the page, in a task of its own. */
  readonly script: string
  readonly signals: readonly string[]
  /** A request of the page after which nothing more is sent. */
  readonly until?: string
}

const FORM = 'method="post" action="/save" data-signal-send="Saved"'
const IS_ONLINE = `window.Signalpost?.getPageClient()?.status.state === 'online'`
const CLICK = `document.querySelector('#press').click()`

const WITH_LIBRARIES: readonly Case[] = [
  {
    what: 'a form of Turbo and its button',
    library: 'turbo',
    html: `<form ${FORM}><button id="press" data-signal-send="Pressed">Save</button></form>`,
    script: CLICK,
    signals: ['Pressed', 'Saved'],
  },
  {
    what: 'a form of Turbo that asks first, and is confirmed later',
    library: 'turbo',
    html: `<form ${FORM} data-turbo-confirm="Sure?"><button id="press" data-signal-send="Pressed">Save</button></form>`,
    script: `Turbo.config.forms.confirm = () => new Promise((resolve) => setTimeout(resolve, 300, true)); ${CLICK}`,
    signals: ['Pressed', 'Saved'],
  },
  {
    what: 'a link of Turbo',
    library: 'turbo',
    html: '<a id="press" href="/next" data-signal-send="Left">Next</a>',
    script: CLICK,
    signals: ['Left'],
    until: 'GET /next',
  },
  {
    what: 'a link in a frame of Turbo',
    library: 'turbo',
    html: '<turbo-frame id="frame"><a id="press" href="/next" data-signal-send="Left">Next</a></turbo-frame>',
    script: CLICK,
    signals: ['Left'],
    until: 'GET /next',
  },
  {
    what: 'a link that Turbo submits as a form',
    library: 'turbo',
    html: '<a id="press" href="/save" data-turbo-method="post" data-signal-send="Saved">Save</a>',
    script: CLICK,
    signals: ['Saved'],
  },
  {
    what: 'a remote form of rails-ujs',
    library: 'rails-ujs',
    html: `<form ${FORM} data-remote="true"><button id="press">Save</button></form>`,
    script: CLICK,
    signals: ['Saved'],
  },
  {
    what: 'a remote link of rails-ujs',
    library: 'rails-ujs',
    html: '<a id="press" href="/save" data-remote="true" data-method="post" data-signal-send="Saved">Save</a>',
    script: CLICK,
    signals: ['Saved'],
  },
  {
    what: 'a link that rails-ujs submits as a form',
    library: 'rails-ujs',
    html: '<a id="press" href="/save" data-method="post" data-signal-send="Saved">Save</a>',
    script: CLICK,
    signals: ['Saved'],
  },
  ...(['htmx', 'htmx-2'] as const).flatMap((library): Case[] => [
    {
      what: `a form of ${library} and its button`,
      library,
      html: `<form hx-post="/save" data-signal-send="Saved"><button id="press" data-signal-send="Pressed">Save</button></form>`,
      script: CLICK,
      signals: ['Pressed', 'Saved'],
    },
    {
      what: `a button of ${library}`,
      library,
      html: '<button id="press" hx-post="/save" data-signal-send="Saved">Save</button>',
      script: CLICK,
      signals: ['Saved'],
    },
    {
      what: `a button of ${library} in a form, which is not submitted`,
      library,
      html: `<form ${FORM}><button id="press" hx-post="/save" data-signal-send="Pressed">Save</button></form>`,
      script: CLICK,
      signals: ['Pressed'],
    },
    {
      what: `a link of ${library}`,
      library,
      html: '<a id="press" href="/next" hx-get="/next" data-signal-send="Left">Next</a>',
      script: CLICK,
      signals: ['Left'],
      until: 'GET /next',
    },
  ]),
  {
    what: 'a form of Unpoly',
    library: 'unpoly',
    html: `<main><form ${FORM} up-submit><button id="press">Save</button></form></main>`,
    script: CLICK,
    signals: ['Saved'],
  },
  {
    what: 'a link of Unpoly',
    library: 'unpoly',
    html: '<main><a id="press" href="/next" up-follow data-signal-send="Left">Next</a></main>',
    script: CLICK,
    signals: ['Left'],
    until: 'GET /next',
  },
]

const BY_SCRIPT: readonly Case[] = [
  {
    what: 'a form that jQuery submits',
    library: 'jquery',
    html: `<form ${FORM}></form>`,
    script: `jQuery('form').submit()`,
    signals: ['Saved'],
  },
  {
    what: 'a form that jQuery submits after its handlers have let it pass',
    library: 'jquery',
    html: `<form ${FORM}></form>`,
    script: `jQuery('form').on('submit', () => undefined).trigger('submit')`,
    signals: ['Saved'],
  },
  {
    what: 'a form that a script submits',
    library: 'nothing',
    html: `<form ${FORM}></form>`,
    script: `document.forms[0].submit()`,
    signals: ['Saved'],
  },
  {
    what: 'a form that a script submits while the page is busy',
    library: 'nothing',
    html: `<form ${FORM}></form>`,
    script: `document.forms[0].submit(); const end = performance.now() + 500; while (performance.now() < end);`,
    signals: ['Saved'],
  },
  {
    what: 'a form that a script submits from its own handler',
    library: 'nothing',
    html: `<form ${FORM}><button id="press" data-signal-send="Pressed">Save</button></form>`,
    script: `document.forms[0].onsubmit = ({ target }) => void target.submit() ?? false; ${CLICK}`,
    signals: ['Pressed', 'Saved'],
  },
  {
    what: 'a form that a script submits after it has asked the server',
    library: 'nothing',
    html: `<form ${FORM}><button id="press" data-signal-send="Pressed">Save</button></form>`,
    script: `document.forms[0].onsubmit = ({ target }) => {
      new FormData(target)
      setTimeout(() => target.submit(), 300)
      return false
    }; ${CLICK}`,
    signals: ['Pressed', 'Saved'],
  },
  {
    what: 'a form that a button submits by a script',
    library: 'nothing',
    html: `<form ${FORM}><button id="press" data-signal-send="Pressed" onclick="form.submit()">Save</button></form>`,
    script: CLICK,
    signals: ['Pressed', 'Saved'],
  },
  {
    what: 'a form that a script submits by requestSubmit()',
    library: 'nothing',
    html: `<form ${FORM}></form>`,
    script: `document.forms[0].requestSubmit()`,
    signals: ['Saved'],
  },
  {
    what: 'a form whose handler reads its data',
    library: 'nothing',
    html: `<form ${FORM} onsubmit="new FormData(this)"><button id="press">Save</button></form>`,
    script: CLICK,
    signals: ['Saved'],
  },
  {
    what: 'a form whose data a script has read before',
    library: 'nothing',
    html: `<form ${FORM}></form><a id="press" href="/next">Next</a>`,
    script: `new FormData(document.forms[0]); ${CLICK}`,
    signals: [],
    until: 'GET /next',
  },
  {
    what: 'a form that the page cancels, and whose data it has read',
    library: 'nothing',
    html: `<form ${FORM}><button id="press">Save</button></form>`,
    script: `document.forms[0].onsubmit = ({ target }) => { fetch('/next', { method: 'POST', body: new FormData(target) }); return false }; ${CLICK}`,
    signals: [],
    until: 'POST /next',
  },
]

/** Returns what the page sent, and a marker. */
async function sentBy(
  browser: TabBrowser,
  { library, html, script, until = 'POST /save' }: Case,
): Promise<readonly string[]> {
  const page = `${TAG}<script src="/${library}.js"></script><title>First</title><body>${html}`
  const site = await openHtmlSite({ ...FILES, '/': page, '/next': `${TAG}<title>Next</title>` })
  const other = await join(site.relay)
  const tab = await browser.open(site.page)
  await waitFor(tab, `document.readyState === 'complete' && ${IS_ONLINE}`)
  await tab.evaluate(`void setTimeout(() => { ${script} }, 10)`)
  await expect.poll(() => site.requests, { timeout: PATIENCE }).toContain(until)
  // The next page may come meanwhile, and send the marker of its predecessor, too.
  await waitFor(tab, `${IS_ONLINE} && Signalpost.sendSignal('Marker').then(() => true)`)
  const names = (): readonly string[] => other.heard.map(({ signal }) => signal)
  await expect.poll(names, { timeout: PATIENCE }).toContain('Marker')
  return names().slice(0, names().indexOf('Marker') + 1)
}

describeInstalled('data-signal-send', () => {
  describeInChromium('beside a library,', () => {
    const browser = useBrowser(() => launchChromium())

    it('Alpine keeps a receiver whose expression begins with void', async () => {
      const tag = TAG.replace('data-url', 'data-globals data-url')
      const receive = `receiveSignal('ReportIncome', (data) => total = data.total)`
      const state = (init: string): string => `<p x-data="{ total: 0 }" x-init="${init}" x-text="total"></p>`
      const alpine = '<script defer src="/alpine.js"></script>'
      const html = `${tag}${alpine}<body>${state(receive)}${state(`void ${receive}`)}`
      const site = await openHtmlSite({ ...FILES, '/': html })
      const other = await join(site.relay)
      const tab = await browser().open(site.page)
      await waitFor(tab, `window.Alpine && ${IS_ONLINE}`)
      await other.send('ReportIncome', { total: 7 })
      await waitFor(tab, `document.querySelector('p + p').textContent === '7'`)
      expect(await tab.evaluate(`document.querySelector('p').textContent`)).toBe('0')
    })

    it.each(WITH_LIBRARIES)('$what sends once', async (each) => {
      expect(await sentBy(browser(), each)).toEqual([...each.signals, 'Marker'])
    })
  })

  describeInEngines('by a script,', (browser) => {
    it.each(BY_SCRIPT)('$what sends once', async (each) => {
      expect(await sentBy(browser(), each)).toEqual([...each.signals, 'Marker'])
    })
  })
})
