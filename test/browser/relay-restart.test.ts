import { afterEach, expect, it } from 'vitest'
import { describeInChromium, useTabs } from './chromium.js'
import { received, sendByForm, waitForCounter, waitForState } from './playground-page.js'
import { type RelayProcess, startRelay } from './relay-process.js'

describeInChromium('a relay that is killed and started again', () => {
  const tabs = useTabs()
  let relay: RelayProcess | undefined

  afterEach(() => relay?.kill())

  it('gets all tabs back by themselves, and what was sent meanwhile arrives once (G1, G3)', async () => {
    relay = await startRelay()
    const [sender, receiver] = [await tabs.open(relay.page), await tabs.open(relay.page)]
    await Promise.all([waitForState(sender, 'online'), waitForState(receiver, 'online')])
    await sendByForm(sender, 'Before', '')
    await received(receiver, 'Before').waitFor()

    await relay.kill()
    await Promise.all([waitForState(sender, 'waiting', 'connecting'), waitForState(receiver, 'waiting', 'connecting')])
    await sendByForm(sender, 'Meanwhile', '{"n":1}')
    await sendByForm(sender, 'Meanwhile', '{"n":2}')
    await waitForCounter(sender, 'waiting', 2)
    await relay.start()

    await Promise.all([waitForState(sender, 'online'), waitForState(receiver, 'online')])
    await waitForCounter(sender, 'accepted', 3)
    await received(receiver, '"n":2').waitFor()
    expect(await received(receiver, 'Meanwhile').locator('.signal-data').allTextContents()).toEqual([
      '{"n":2}',
      '{"n":1}',
    ])
  })

  it('makes a gap visible: its memory is gone (G7)', async () => {
    relay = await startRelay()
    const page = await tabs.open(relay.page)
    await waitForState(page, 'online')
    await sendByForm(page, 'Before', '')
    await waitForCounter(page, 'received', 1)

    await relay.kill()
    await relay.start()

    expect(await page.locator('#log .gap').textContent()).toContain('Signals in main may be missing')
  })
})
