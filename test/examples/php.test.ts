import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { CHROMIUM_PATH, PATIENCE, useTabs } from '../browser/chromium.js'
import { describeWhere } from '../browser/installed.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'
import { join as joinRelay } from '../browser/fixtures.js'
import { textsOf } from '../package/blocks.js'
import { filesIn } from '../package/root.js'
import { CODEIGNITER, EXAMPLE, HAS_PHP, openPhpSite, PHP_ADVICE, type PhpSettings, type PhpSite } from './php-site.js'

const PUBLISH_KEY = 'a-secret-of-the-backend'
const KEY_FLAGS = ['--publish-key', `php:${PUBLISH_KEY}`]
const AUTH_SECRET = 'a-secret-of-32-characters-or-more'

const run = promisify(execFile)

describeWhere(HAS_PHP, PHP_ADVICE)('the files of examples/php', () => {
  it.each(filesIn('examples/php', '.php'))('are good PHP: %s', async (file) => {
    const { stdout } = await run('php', ['-l', join(EXAMPLE, file)])
    expect(stdout).toContain('No syntax errors')
  })
})

const ADVICE = `${PHP_ADVICE} Chromium is needed too: apt-get install chromium.`

/** A relay whose key may publish something else. */
const LIMITED = join(tmpdir(), `signalpost-limited-${process.pid}.json`)

describeWhere(HAS_PHP && CHROMIUM_PATH, ADVICE)('examples/php', () => {
  beforeAll(() => {
    const publishKey = [{ name: 'php', secret: PUBLISH_KEY, send: ['Other'] }]
    return writeFile(LIMITED, JSON.stringify({ publishKey }))
  })
  afterAll(() => rm(LIMITED, { force: true }))

  const tabs = useTabs()

  async function open(
    settings: Partial<PhpSettings> = {},
    flags: readonly string[] = KEY_FLAGS,
  ): Promise<SiteWithRelay> {
    const relay = await startRelay(...flags)
    onTestFinished(relay.kill)
    const site = await openPhpSite({ url: relay.page, pageUrl: relay.url, publishKey: PUBLISH_KEY, ...settings })
    return { relay, site }
  }

  it('refreshes the report when another page saves, and keeps the filter', async () => {
    const { site } = await open()
    const [form, report] = await openBoth(site, 'report?from=2026-01-01&to=2026-01-31')
    await report.getByLabel('From').fill('2026-01-15')

    await save(form, '2026-02-01', 'Too late', 100)
    await save(form, '2026-01-31', 'Ada & Sons <b>Ltd</b>', 250)

    await waitForRows(report, ['2026-01-31 Ada & Sons <b>Ltd</b> 250'])
    expect(await report.locator('main tfoot td').textContent()).toBe('250')
    // What somebody has typed in the meantime stays.
    expect(await report.getByLabel('From').inputValue()).toBe('2026-01-15')
    expect(tabs.complaints).toEqual([])
  })

  it('refreshes the report when a script saves, with no browser', async () => {
    const { site } = await open()
    const report = await openOnline(site, 'report')

    const { code, text } = await site.addIncome('Cron', '75', '2026-01-31')

    expect([code, text.trim()]).toEqual([0, 'Saved.\nOpen reports refresh themselves.'])
    await waitForRows(report, ['2026-01-31 Cron 75'])
  })

  it('refreshes on signed tokens, where the relay wants them', async () => {
    const { site } = await open({ authSecret: AUTH_SECRET }, [...KEY_FLAGS, '--auth-secret', AUTH_SECRET])
    await signIn(site)
    const [form, report] = await openBoth(site, 'report')

    await save(form, '2026-01-31', 'Ada', 250)

    await waitForRows(report, ['2026-01-31 Ada 250'])
    expect(await report.locator('meta[name=signalpost-token]').count()).toBe(1)
  })

  it('gives a token to nobody who is not signed in', async () => {
    const { site } = await open({ authSecret: AUTH_SECRET }, [...KEY_FLAGS, '--auth-secret', AUTH_SECRET])

    const token = await fetch(`${site.page}signal-token`)
    const report = await (await fetch(`${site.page}report`)).text()

    expect([token.status, await token.text()]).toEqual([401, 'Sign in first.'])
    expect(report).not.toMatch(/signalpost-token|data-url/)
  })

  it('answers with a token that is plain text, and that no cache keeps', async () => {
    const { site } = await open({ authSecret: AUTH_SECRET }, [...KEY_FLAGS, '--auth-secret', AUTH_SECRET])
    const page = await signIn(site)

    const answer = await page.request.get(`${site.page}signal-token`)

    expect(answer.headers()).toMatchObject({
      'content-type': expect.stringMatching(/^text\/plain/),
      'cache-control': expect.stringContaining('no-store'),
    })
    expect(await answer.text()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  })

  it('holds up no other page of the session while the relay hangs', async () => {
    const hanging = createServer(() => {}).listen(0, '127.0.0.1')
    await once(hanging, 'listening')
    onTestFinished(() => {
      hanging.closeAllConnections()
      hanging.close()
    })
    const asked = once(hanging, 'request')
    const { site } = await open({ url: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}` })
    const form = await openOnline(site, 'incomes/new')

    const saved = save(form, '2026-01-31', 'Ada', 250, 'Saved. Reports show it when they are loaded again.')
    await asked
    const order: string[] = []
    await Promise.all([
      form.request.get(`${site.page}report`).then(() => order.push('report')),
      saved.then(() => order.push('saved')),
    ])

    expect(order).toEqual(['report', 'saved'])
  })

  it('connects again with a fresh token', async () => {
    const { relay, site } = await open({ authSecret: AUTH_SECRET }, [...KEY_FLAGS, '--auth-secret', AUTH_SECRET])
    await signIn(site)
    const report = await openOnline(site, 'report')
    const fetched = report.waitForResponse(/signal-token$/)

    await relay.kill()
    await relay.start()

    expect(await (await fetched).text()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    await report.locator('[data-signal-status=online]').waitFor()
  })

  it('keeps what was saved when the relay is down, says so, and logs what to do', async () => {
    const { relay, site } = await open()
    const form = await openOnline(site, 'incomes/new')
    await relay.kill()

    await save(form, '2026-01-31', 'Ada', 250, 'Saved. Reports show it when they are loaded again.')
    const { code, text } = await site.addIncome('Cron', '75', '2026-01-31')

    expect(site.log()).toMatch(
      /ERROR - .*ReportIncome was not published: No answer from the relay: .*Check that it runs/,
    )
    expect(code).toBe(1)
    expect(text.trim()).toMatch(/^Saved\.\s+No answer from the relay: /)
    await form.getByRole('link', { name: 'Report' }).click()
    await waitForRows(form, ['2026-01-31 Ada 250', '2026-01-31 Cron 75'])
  })

  it.each([
    ['its key is wrong', { publishKey: 'another-secret' }, KEY_FLAGS, 'HTTP 401, wrong-key'],
    ['its key may not publish that name', {}, ['--config', LIMITED], 'HTTP 403, denied'],
  ])('keeps what was saved when %s, and logs no secret', async (_, settings, flags, logged) => {
    const { site } = await open(settings, flags)
    const form = await openOnline(site, 'incomes/new')

    await save(form, '2026-01-31', 'Ada', 250, 'Saved. Reports show it when they are loaded again.')

    expect(site.log()).toContain(logged)
    for (const secret of [PUBLISH_KEY, 'another-secret']) expect(site.log()).not.toContain(secret)
    await form.getByRole('link', { name: 'Report' }).click()
    await waitForRows(form, ['2026-01-31 Ada 250'])
  })

  it('takes no form without its token, and none that is wrong', async () => {
    const { site } = await open()
    const form = await openOnline(site, 'incomes/new')
    const fields = { date: '2026-01-31', customer: 'Ada', amount: '250' }
    const csrf = await form.locator('[name=csrf_test_name]').inputValue()

    const strange = await form.request.post(`${site.page}incomes`, { form: fields })
    const wrong = await form.request.post(`${site.page}incomes`, {
      form: { ...fields, customer: '"><i>Ada', amount: '0', csrf_test_name: csrf },
    })

    expect([strange.status(), wrong.status()]).toEqual([403, 422])
    expect(await wrong.text()).toContain('value="&quot;&gt;&lt;i&gt;Ada"')
    await form.getByRole('link', { name: 'Report' }).click()
    await waitForRows(form, [])
  })

  it.skipIf(CODEIGNITER)('does what its README shows', async () => {
    const { relay, site } = await open({ authSecret: AUTH_SECRET, publishKey: PUBLISH_KEY })
    const page = await joinRelay(relay)
    const [scriptTag = '', section = ''] = textsOf('examples/php/README.md', 'html')
    const code = textsOf('examples/php/README.md', 'php').filter((text) => text.includes('->'))
    const [publish = '', standAlone = '', token = ''] = code

    const html = await (await (await signIn(site)).request.get(site.page)).text()
    const alone = standAlone
      .replace('http://127.0.0.1:8081', relay.page)
      .replace("getenv('PUBLISH_KEY')", `'${PUBLISH_KEY}'`)
    const results = await Promise.all(
      [publish, alone, `echo ${token}`].map((each) => site.run('-r', `require 'stand-in/boot.php'; ${each}`)),
    )

    expect(html.replace(' data-token-url="/signal-token"', '')).toContain(
      scriptTag.trim().replace('ws://localhost:8081/signals', relay.url),
    )
    expect(html).toContain(section.slice(0, section.indexOf('>') + 1))
    expect(results).toEqual([
      { code: 0, text: '' },
      { code: 0, text: '' },
      { code: 0, text: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) },
    ])
    await expect
      .poll(() => page.heard.map(({ data }) => data), { timeout: PATIENCE })
      .toEqual([{ userId: 123 }, { userId: 123 }])
    expect(textsOf('examples/README.md', 'php')).toEqual([standAlone])
  })

  async function signIn(site: PhpSite): Promise<Page> {
    const page = await tabs.open(`${site.page}sign-in`)
    await page.getByLabel('User').fill('123')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(/report$/)
    return page
  }

  async function openOnline(site: PhpSite, path: string): Promise<Page> {
    const page = await tabs.open(`${site.page}${path}`)
    await page.locator('[data-signal-status]', { hasText: 'online' }).waitFor()
    return page
  }

  async function openBoth(site: PhpSite, report: string): Promise<readonly [Page, Page]> {
    return [await openOnline(site, 'incomes/new'), await openOnline(site, report)]
  }
})

interface SiteWithRelay {
  readonly relay: RelayProcess
  readonly site: PhpSite
}

async function save(
  form: Page,
  date: string,
  customer: string,
  amount: number,
  message = 'Saved. Open reports refresh themselves.',
): Promise<void> {
  await form.getByLabel('Date').fill(date)
  await form.getByLabel('Customer').fill(customer)
  await form.getByLabel('Amount').fill(String(amount))
  await form.getByRole('button', { name: 'Save' }).click()
  await form.getByRole('status').getByText(message).waitFor()
}

async function waitForRows(report: Page, rows: readonly string[]): Promise<void> {
  const read = (): Promise<string[]> =>
    report
      .locator('main tbody tr')
      .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent).join(' ')))
  await expect.poll(read, { timeout: PATIENCE }).toEqual(rows)
}
