import { afterEach, expect, it, vi } from 'vitest'
import { RELAY_URL, pass } from '../support/mock-relay.js'
import { createSignalClient } from '../../src/index.js'
import { element, usePage } from './page.js'

const { bind, connect, open } = usePage()

afterEach(() => vi.restoreAllMocks())

const stateOfPage = (): string | undefined => document.documentElement.dataset.signalState
const STATUS = '<output data-signal-status=""></output>'

it('shows the state on the page, and in every element that asks for it, as attribute and as text', async () => {
  document.body.innerHTML = STATUS
  connect()
  bind()
  expect([stateOfPage(), element('output').outerHTML]).toEqual([
    'connecting',
    '<output data-signal-status="connecting">connecting</output>',
  ])
  await pass()
  expect([stateOfPage(), element('output').outerHTML]).toEqual([
    'online',
    '<output data-signal-status="online">online</output>',
  ])
})

it('says nothing before the page has a client', async () => {
  document.body.innerHTML = STATUS
  bind()
  await pass()
  expect([stateOfPage(), document.body.innerHTML]).toEqual([undefined, STATUS])
  connect()
  expect(element('output').textContent).toBe('connecting')
})

it('leaves the inside of an element that has elements to its author, for styles to choose from', async () => {
  await open('<p data-signal-status><b>On</b><i>Off</i></p>')
  expect(document.body.innerHTML).toBe('<p data-signal-status="online"><b>On</b><i>Off</i></p>')
})

it('does not flicker when the connection is back within a second and a half, and shows the outage otherwise', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const { relay } = await open(STATUS)
  const seen: (string | null)[] = []
  const observer = new MutationObserver(() => seen.push(element('output').textContent))
  observer.observe(element('output'), { attributes: true })
  relay.close(1006)
  await pass(1400)
  expect([element('output').textContent, seen]).toEqual(['online', []])

  relay.stop()
  relay.close(1006)
  await pass(1400)
  expect(element('output').textContent).toBe('online')
  await pass(200)
  expect(element('output').textContent).not.toBe('online')
  expect(stateOfPage()).toBe(element('output').textContent)
  observer.disconnect()
})

it('shows it in elements that come later, and again when the page writes something else', async () => {
  await open('')
  document.body.innerHTML = `<main>${STATUS}</main>`
  await pass()
  expect(element('output').textContent).toBe('online')
  element('output').dataset.signalStatus = 'else'
  element('output').textContent = 'else'
  await pass()
  expect(element('output').outerHTML).toBe('<output data-signal-status="online">online</output>')
})

it('writes only when something changes: the page is not busy with it', async () => {
  await open(STATUS)
  const write = vi.spyOn(element('output'), 'setAttribute')
  const observer = new MutationObserver(() => undefined)
  observer.observe(document, { subtree: true, attributes: true, childList: true, characterData: true })
  await pass(5000)
  expect([write.mock.calls, observer.takeRecords()]).toEqual([[], []])
  observer.disconnect()
})

it('says closed when the client was closed, and follows the next one', async () => {
  const { client } = await open(STATUS)
  client.close()
  expect(element('output').textContent).toBe('closed')
  const next = createSignalClient({ url: RELAY_URL })
  await pass()
  expect(element('output').textContent).toBe('online')
  next.close()
})
