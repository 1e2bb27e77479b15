import { expect, it, onTestFinished } from 'vitest'
import { createChance } from './chance.js'
import { createFrameRules } from './frame-rules.js'
import { openPage, type Page } from './page.js'
import { type Proxy, startProxy } from './proxy.js'
import { createRelayHere } from './relay-under-test.js'
import { tapSockets } from './socket-tap.js'
import { until } from './waiting.js'

/** A relay, a page that is never answered, and two that are. */
async function setUp() {
  const relay = createRelayHere()
  await relay.start()
  const chance = createChance(1)
  const target = (): number | undefined => relay.port
  const rules = createFrameRules([{ from: 'relay', type: 'accepted', treat: () => ({ do: 'suppress' }) }])
  const proxies = [await startProxy({ target, chance, rules }), await startProxy({ target, chance })] as const
  const tap = tapSockets({ onSaid: () => undefined, onTold: () => undefined })
  const open = (name: string, { port }: Proxy): Page =>
    openPage({ name, port, returns: 'when told', impatience: () => 50 })
  const [unanswered, others] = proxies
  const pages = [open('sender', unanswered), open('other', others), open('receiver', others)] as const
  onTestFinished(async () => {
    for (const page of pages) page.close()
    for (const proxy of proxies) await proxy.close()
    await relay.stop()
    tap.remove()
  })
  await until(() => pages.every(({ client }) => client.status.state === 'online'), 5000)
  return { relay, pages, unanswered }
}

/**
 * A signal is heard, its answer is lost, the relay loses its memory, and the sender stays away while others go on: when it
 * sends the signal again, nobody but the receivers can know that it is a repetition.
 */
it.each([100, 1000, 3000])('hears a signal once, though %i others came before it was sent again', async (between) => {
  const { relay, pages, unanswered } = await setUp()
  const [sender, other, receiver] = pages
  let heard = 0
  let count = 0
  receiver.client.receiveSignal('Saved', () => (heard += 1))
  receiver.client.receiveSignal('Tick', () => (count += 1))
  const saved = sender.client.sendSignal('Saved')
  await until(() => heard === 1, 5000)
  unanswered.refuse(true)
  await relay.stop()
  await relay.start()
  for (let sent = 0; sent < between; sent += 200) {
    await Promise.all(Array.from({ length: Math.min(200, between - sent) }, () => other.client.sendSignal('Tick')))
  }
  await until(() => count === between, 10_000)
  unanswered.refuse(false)
  await until(() => sender.client.status.state === 'online', 10_000)
  // The sender's next signal comes after what it sent again.
  void sender.client.sendSignal('Tick')
  await until(() => count === between + 1, 10_000)
  sender.close()
  expect((await saved).outcome).toBe('closed')
  expect(heard).toBe(1)
})
