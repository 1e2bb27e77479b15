import { expect, it } from 'vitest'
import { PATIENCE } from './chromium.js'
import { describeInEngines } from './engines.js'
import { count, heardUpTo, openOnline, sendAndLeave, states, waitForState, waitForVisit } from './pages.js'
import { countSockets, join, openSiteWithRelay } from './fixtures.js'
import { WAYS } from './site.js'

describeInEngines('the script-tag build', (browser) => {
  it('carries signals from tab to tab, both ways', async () => {
    const { site } = await openSiteWithRelay()
    const one = await openOnline(browser().open(site.page))
    const two = await openOnline(browser().open(site.page))

    await one.evaluate(`page.client.sendSignal('Count', 'from one') && 1`)
    await heardUpTo(two, 'from one')
    await two.evaluate(`page.client.sendSignal('Count', 'from two') && 1`)

    expect(await heardUpTo(one, 'from two')).toEqual(['from one', 'from two'])
    expect(await heardUpTo(two, 'from two')).toEqual(['from one', 'from two'])
    expect(await one.evaluate('page.signals.map(({ self }) => self)')).toEqual([true, false])
    expect(await two.evaluate('page.signals.map(({ self }) => self)')).toEqual([false, true])
  })

  it('lets tabs share one connection, which another one takes over when the first tab leaves', async () => {
    const { relay, site } = await openSiteWithRelay({ shared: 'leader' })
    const other = await join(relay)
    const first = await openOnline(browser().open(site.page))
    const second = await openOnline(browser().open(site.page))
    await other.send('Count', 'to both')
    for (const tab of [first, second]) await heardUpTo(tab, 'to both')
    expect(await countSockets(relay)).toEqual({ connections: 3, sockets: 2 })

    await first.goto(site.quiet)
    await second.evaluate(`page.client.sendSignal('Count', 'from the second') && 1`)
    await other.send('Count', 'to the second')
    await expect.poll(() => countSockets(relay), { timeout: PATIENCE }).toEqual({ connections: 2, sockets: 2 })
    expect((await heardUpTo(second, 'to the second')).toSorted()).toEqual(
      ['to both', 'from the second', 'to the second'].toSorted(),
    )
  })

  it('is back after the relay was killed, and what was sent meanwhile arrives once (G1, G3, G8)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const sender = await openOnline(browser().open(site.page))
    const receiver = await openOnline(browser().open(site.page))

    await relay.kill()
    await waitForState(sender, 'waiting')
    for (const n of count(3)) await sender.evaluate(`page.client.sendSignal('Count', ${n}) && 1`)
    await relay.start()

    expect(await heardUpTo(receiver, 2)).toEqual(count(3))
    expect(await heardUpTo(sender, 2)).toEqual(count(3))
    expect((await states(receiver)).at(-1)).toMatchObject({ state: 'online', resumed: true })
  })

  it('delivers once and in order what 10 pages send when they are left (G2, G3, G4)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))

    for (const index of count(10)) {
      if (index < 5) await waitForState(tab, 'online')
      await sendAndLeave(tab, index + 1, index, WAYS[index % WAYS.length] ?? 'assign')
    }

    await expect.poll(() => other.heard.some(({ data }) => data === 9), { timeout: PATIENCE }).toBe(true)
    expect(other.heard.map(({ data }) => data)).toEqual(count(10))
    expect(await heardUpTo(tab, 9)).toEqual(count(10))
  })

  it('handles every signal once and in order over 5 navigations (G3, G4, G5)', async () => {
    const { relay, site } = await openSiteWithRelay()
    const other = await join(relay)
    const tab = await openOnline(browser().open(site.page))

    for (const index of count(5)) {
      await other.send('Count', `${index} before`)
      await tab.evaluate(`page.leave('${WAYS[index % WAYS.length]}')`)
      await other.send('Count', `${index} while`)
      await waitForVisit(tab, index + 2)
      await other.send('Count', `${index} after`)
      if (index % 2 === 0) await waitForState(tab, 'online')
    }

    expect(await heardUpTo(tab, '4 after')).toEqual(other.heard.map(({ data }) => data))
    expect(other.heard).toHaveLength(15)
  })
})
