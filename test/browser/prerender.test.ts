import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { CHROMIUM_PATH, describeInChromium, FLAGS, PATIENCE } from './chromium.js'
import { openReport } from './refresh-site.js'

/** The menu follows its link when it is told to; the prerendered report says what it shows after a refresh. */
const SCRIPT = `
  const tell = (text) => void fetch('/told?' + text)
  if (location.pathname === '/menu') {
    Signalpost.receiveSignal('Go', () => (location.href = '/report'))
    Signalpost.onSignalStatus(({ state }) => state === 'online' && tell('online'))
  } else {
    if (document.prerendering) tell('prerendering')
    refreshOn('ReportIncome', replaceElement('#report'))
    const started = () => performance.getEntriesByType('navigation')[0].activationStart > 0
    document.addEventListener('signalpost:after-swap', () =>
      tell((started() ? 'activated' : 'loaded') + document.querySelector('#total').textContent))
  }
`
const RULES = '{"prerender":[{"urls":["/report"],"eagerness":"immediate"}]}'

/** A browser that no developer tool watches: with one, Chromium prerenders nothing. */
async function openUnwatched(page: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const flags = FLAGS.filter((flag) => flag !== '--disable-background-networking')
  const more = ['--remote-debugging-port=0', `--user-data-dir=${profile}`]
  const child = spawn(CHROMIUM_PATH ?? 'chromium', [...flags, ...more, page], { stdio: 'ignore' })
  onTestFinished(async () => {
    const exited = once(child, 'exit')
    child.kill()
    await exited
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })
}

describeInChromium('a page that the browser has prerendered', () => {
  it('refreshes when it is shown after a signal of its names', async () => {
    const body = `<script type="speculationrules">${RULES}</script>`
    const site = await openReport({ script: SCRIPT, body })
    await openUnwatched(site.page.replace('report', 'menu'))
    await expect.poll(() => site.told.toSorted(), { timeout: PATIENCE }).toEqual(['online', 'prerendering'])
    await site.earn(7)
    await site.send('Go')
    await expect.poll(() => site.told, { timeout: PATIENCE }).toContain('activated7')
  })
})
