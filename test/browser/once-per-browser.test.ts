import { expect, it, onTestFinished } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { type ChromiumTab, launchChromium } from './chromium-devtools.js'
import { join, useBrowser } from './fixtures.js'
import type { RelayClient } from './relay-client.js'
import { startRelay } from './relay-process.js'
import { readUmd, serve } from './static-server.js'
import { waitFor } from './tab-browser.js'

/** Each tab writes what it handles into the storage of all tabs. */
const SCRIPT = `
  import { oncePerBrowser } from '/signalpost-tabs.min.js'
  const note = (text) => localStorage.setItem('notes', (localStorage.getItem('notes') ?? '') + text + ' ')
  const tab = new URLSearchParams(location.search).get('tab')
  const receive = (name, key, handler) => Signalpost.receiveSignal(name, oncePerBrowser(key, handler))
  receive('Income', 'notice', (data) => note(data + tab))
  receive('Income', 'sound', (data) => note('sound' + data))
  receive('Endless', 'notice', (data) => {
    note('began' + tab)
    return tab === localStorage.getItem('dying') ? new Promise(() => undefined) : note('handled' + tab)
  })
  receive('Broken', 'notice', () => {
    note('broken')
    throw new Error('This handler fails')
  })
  window.turns = 0
  const request = navigator.locks.request.bind(navigator.locks)
  navigator.locks.request = async (name, ...rest) => {
    const result = await request(name, ...rest).catch(() => undefined)
    if (/^signalpost (notice|sound) /.test(name)) window.turns += 1
    return result
  }
  window.isReady = () => Signalpost.getPageClient().status.state === 'online'
`

describeInChromium('a signal that one tab of the browser handles', () => {
  const browser = useBrowser(launchChromium)

  async function openTabs(...names: readonly string[]): Promise<{ tabs: ChromiumTab[]; other: RelayClient }> {
    const relay = await startRelay()
    onTestFinished(relay.kill)
    const html = `<!doctype html><title>Tab</title>
<script src="/signalpost.min.js" data-url="${relay.url}" data-shared></script>
<script type="module">${SCRIPT}</script>`
    const files = { '/signalpost.min.js': await readUmd(), '/signalpost-tabs.min.js': await readUmd('signalpost-tabs') }
    const server = await serve({ '/': html, ...files })
    onTestFinished(server.close)
    const tabs: ChromiumTab[] = []
    for (const name of names) {
      const tab = await browser().open(`${server.page}?tab=${name}`, name === 'a' ? 'new window' : 'same window')
      await waitFor(tab, 'window.isReady?.()')
      tabs.push(tab)
    }
    return { tabs, other: await join(relay) }
  }

  const notes = (tab: ChromiumTab): Promise<string[]> =>
    tab.evaluate(`(localStorage.getItem('notes') ?? '').trim().split(' ')`)

  it('is handled once for each key, by the tab that is seen', async () => {
    const { tabs, other } = await openTabs('a', 'b', 'c')
    const [, , seen] = tabs as [ChromiumTab, ChromiumTab, ChromiumTab]
    for (let number = 1; number <= 5; number += 1) await other.send('Income', number)
    const expected = [1, 2, 3, 4, 5].flatMap((number) => [`${number}c`, `sound${number}`])
    await waitFor(seen, `localStorage.getItem('notes')?.includes('sound5')`)
    await other.send('Broken', null)
    // The other tabs have had their turn, too.
    for (const tab of tabs) await waitFor(tab, 'window.turns === 11')
    expect((await notes(seen)).toSorted()).toEqual([...expected, 'broken'].toSorted())
  })

  it('is handled by another tab when the first one dies before its handler has returned', async () => {
    const { tabs, other } = await openTabs('a', 'b')
    const [first, second] = tabs as [ChromiumTab, ChromiumTab]
    await second.evaluate(`localStorage.setItem('dying', 'b')`)
    await other.send('Endless', null)
    await waitFor(first, `localStorage.getItem('notes')?.includes('beganb')`)
    await second.close()
    await expect.poll(() => notes(first), { timeout: PATIENCE }).toEqual(['beganb', 'begana', 'handleda'])
  })

  it('is handled once, too, after the data of the site were deleted', async () => {
    const { tabs, other } = await openTabs('a', 'b')
    const [first, second] = tabs as [ChromiumTab, ChromiumTab]
    await other.send('Income', 1)
    await waitFor(second, `localStorage.getItem('notes')?.includes('sound1')`)
    for (const tab of tabs) await waitFor(tab, 'window.turns === 2')
    const deletion = `new Promise((done) => { indexedDB.deleteDatabase('signalpost').onsuccess = () => done(true) })`
    expect(await first.evaluate(deletion)).toBe(true)
    await other.send('Income', 2)
    for (const tab of tabs) await waitFor(tab, 'window.turns === 4')
    expect((await notes(first)).map((note) => note.replace(/[ab]$/, '')).toSorted()).toEqual([
      '1',
      '2',
      'sound1',
      'sound2',
    ])
  })

  it('is not handled again by a tab that comes later', async () => {
    const { tabs, other } = await openTabs('a', 'b')
    const [first, second] = tabs as [ChromiumTab, ChromiumTab]
    await other.send('Income', 1)
    await waitFor(first, `localStorage.getItem('notes')?.includes('sound1')`)
    await second.setLifecycle('active')
    // The page begins with its own navigation, and the relay replays the signal.
    await first.evaluate('void setTimeout(() => location.reload())')
    await waitFor(first, 'window.isReady?.()')
    await other.send('Income', 2)
    await waitFor(second, `localStorage.getItem('notes').includes('sound2')`)
    expect((await notes(second)).filter((note) => note.startsWith('sound'))).toEqual(['sound1', 'sound2'])
  })
})
