import { afterEach, expect, it } from 'vitest'
import { followClient } from '../../src/bindings/follow-client.js'
import { getPageClient, setPageClient, type SignalClient } from '../../src/index.js'
import { createFixtures } from './fixtures.js'

afterEach(() => getPageClient()?.close())

const receive = (client: SignalClient) => client.receiveSignal('A', () => undefined)

it("leaves the page's client for the one that takes its place, though both are open", () => {
  const [one, two] = [createFixtures(), createFixtures()]
  const stop = followClient(undefined, receive)
  expect([one.rooms(), two.rooms()]).toEqual([['main'], []])
  setPageClient(two.client)
  expect([one.rooms(), two.rooms()]).toEqual([[], ['main']])
  stop()
  stop()
  setPageClient(one.client)
  expect([one.rooms(), two.rooms()]).toEqual([[], []])
  two.client.close()
})

it("stays with a client that it is given, whatever the page's is", () => {
  const [one, two] = [createFixtures(), createFixtures()]
  const stop = followClient(one.client, receive)
  setPageClient(two.client)
  expect([one.rooms(), two.rooms()]).toEqual([['main'], []])
  stop()
  expect(one.rooms()).toEqual([])
  one.client.close()
})
