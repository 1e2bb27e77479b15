import { expect, it } from 'vitest'
import { describeInChromium, PATIENCE } from './chromium.js'
import { launchChromium } from './chromium-devtools.js'
import { heardUpTo, waitForState } from './pages.js'
import { join, openSiteWithConnection, useBrowser } from './fixtures.js'
import { waitFor } from './tab-browser.js'

describeInChromium('what a page sends while it goes, and its socket does not carry', () => {
  const browser = useBrowser(launchChromium)

  it('goes out under a content policy that names the relay for sockets and for requests (G2)', async () => {
    const { relay, site, connection } = await openSiteWithConnection({ connectSrc: '$relay $http' })
    const other = await join(relay)
    connection.swallowAllBut('POST')
    const tab = await browser().open(site.page)
    await waitForState(tab, 'connecting')

    await tab.evaluate(`page.client.sendSignal('Count', 'farewell'), location.assign('${site.quiet}')`)

    // No page of the tab is there any more that could send it.
    await expect.poll(() => other.heard.map(({ data }) => data), { timeout: PATIENCE }).toEqual(['farewell'])
  })

  it('is sent by the next page of the tab under a policy that names it for sockets only (G2)', async () => {
    const { relay, site, connection } = await openSiteWithConnection({ connectSrc: '$relay' })
    const other = await join(relay)
    connection.swallowAllBut('POST')
    const tab = await browser().open(site.page)
    await waitForState(tab, 'connecting')
    await tab.evaluate(`page.client.sendSignal('Count', 'left behind'), location.assign('${site.quiet}')`)
    await waitFor(tab, `document.title === 'Quiet'`)
    expect(other.heard).toEqual([])

    connection.swallowAllBut('')
    await tab.goto(site.page)

    expect(await heardUpTo(tab, 'left behind')).toEqual(['left behind'])
    expect(other.heard.map(({ data }) => data)).toEqual(['left behind'])
  })
})
