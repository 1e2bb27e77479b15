import { afterEach, expect, it } from 'vitest'
import { bindHtml, type SignalEvent } from '../../src/html/index.js'
import { setPageClient } from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { element, usePage } from './page.js'

const { bind, connect, open, relay: relayOf } = usePage()

const controllers: AbortController[] = []
afterEach(() => controllers.splice(0).forEach((controller) => controller.abort()))

/** The events of some types on a target. */
function listen(target: EventTarget, ...types: string[]): SignalEvent[] {
  const events: SignalEvent[] = []
  const controller = new AbortController()
  controllers.push(controller)
  for (const type of types) {
    target.addEventListener(type, (event) => events.push(event as SignalEvent), { signal: controller.signal })
  }
  return events
}

it('makes every signal an event of the document, with the data and the signal', async () => {
  const { relay } = await open('')
  const events = listen(document, 'signal:ReportIncome', 'signal:Other')
  relay.deliver('ReportIncome', { data: { userId: 123 }, sender: { tab: 'me' } })
  relay.deliver('Other')
  await pass()
  expect(events.map(({ type, detail, signal }) => [type, detail, signal.name, signal.self])).toEqual([
    ['signal:ReportIncome', { userId: 123 }, 'ReportIncome', true],
    ['signal:Other', null, 'Other', false],
  ])
})

it('names the event in lower case too, as attributes of HTML must, and a name in lower case once', async () => {
  const { relay } = await open('')
  const events = listen(document, 'signal:reportincome', 'signal:saved')
  relay.deliver('ReportIncome', { data: { userId: 123 } })
  relay.deliver('saved')
  await pass()
  expect(events.map(({ type, detail, signal }) => [type, detail, signal.name])).toEqual([
    ['signal:reportincome', { userId: 123 }, 'ReportIncome'],
    ['signal:saved', null, 'saved'],
  ])
})

it('tells of the main room, and of rooms that elements of the page listen to, once', async () => {
  const { relay } = await open(`
    <main data-signal-room="team:7"><p id="a" data-signal-refresh="A"></p><p id="b" data-signal-refresh="A"></p></main>
    <button data-signal-send="A" data-signal-room="unheard"></button>`)
  const events = listen(document, 'signal:B')
  for (const room of ['main', 'team:7', 'unheard']) relay.deliver('B', { room })
  await pass()
  expect(events.map(({ signal }) => signal.room)).toEqual(['main', 'team:7'])

  element('main').remove()
  await pass()
  relay.deliver('B', { room: 'team:7' })
  await pass()
  expect(events).toHaveLength(2)
})

it('keeps nothing from a receiver that comes later while the page is loading', async () => {
  const { relay, client } = await open('')
  relay.deliver('ReportIncome', { data: 1 })
  await pass()
  const heard: unknown[] = []
  client.receiveSignal('ReportIncome', (data) => heard.push(data))
  await pass()
  expect(heard).toEqual([1])
})

it("follows the page's client, and no other", async () => {
  connect()
  bind()
  const second = connect()
  await pass()
  const events = listen(document, 'signal:A')
  // The relay tells the one that came last.
  relayOf().deliver('A', { data: 'to the second' })
  await pass()
  setPageClient(second)
  await pass()
  relayOf().deliver('A', { data: "to the page's" })
  await pass()
  setPageClient(undefined)
  relayOf().deliver('A', { data: 'to nobody' })
  await pass()
  expect(events.map(({ detail }) => detail)).toEqual(["to the page's"])
})

it('tells a root that is an element, not the document, until it is stopped', async () => {
  document.body.innerHTML = '<main></main>'
  const client = connect()
  const stop = bindHtml({ client, root: element('main') })
  await pass()
  const [ofDocument, ofMain] = [listen(document, 'signal:A'), listen(element('main'), 'signal:A')]
  relayOf().deliver('A', { data: 1 })
  await pass()
  stop()
  relayOf().deliver('A', { data: 2 })
  await pass()
  expect([ofDocument, ofMain.map(({ detail }) => detail)]).toEqual([[], [1]])
})
