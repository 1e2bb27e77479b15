import { describe, expect, it, vi } from 'vitest'
import { refreshOn } from '../../src/refresh/index.js'
import { pass, WELCOME } from '../support/mock-relay.js'
import { happen, turnPage } from '../support/page-events.js'
import { useClients } from './use-clients.js'

const { connect, online, relay } = useClients()

describe('a signal that excludes a page', () => {
  it('P5.4 reaches no receiver and no refresh of that page, and counts in its position', async () => {
    const client = await online()
    const heard: unknown[] = []
    const refresh = vi.fn(async () => {})
    client.receiveSignal('A', (data) => heard.push(data))
    client.receiveSignal('*', (data) => heard.push(data))
    const stop = refreshOn('A', refresh, { client })
    await pass()
    relay().deliver('A', { data: 1, exclude: client.tab })
    await pass(5000)
    expect([heard, refresh.mock.calls.length]).toEqual([[], 0])
    relay().close(1006)
    await pass(5000)
    expect(relay().sent('hello').at(-1)?.rooms[0]?.since).toMatchObject({ offset: 1 })
    relay().deliver('A', { data: 2, exclude: 'you' })
    await pass(5000)
    expect([heard, refresh.mock.calls.length]).toEqual([[2, 2], 1])
    stop()
  })

  it('P5.4 reaches no receiver of the next page of the tab, which shows what was saved', async () => {
    const first = await online()
    first.receiveSignal('A', () => {})
    await pass()
    const tab = first.tab
    happen('pagehide', { persisted: false })
    first.close()
    await pass()
    relay().isAnswering = false
    turnPage()
    const second = connect()
    const heard: unknown[] = []
    second.receiveSignal('A', (data) => heard.push(data))
    await pass()
    relay().send({ ...WELCOME, tab: 'another' })
    relay().send({ type: 'joined', room: 'main', epoch: 'e1', offset: 0, head: 0, recovered: true })
    relay().deliver('A', { data: 1, exclude: tab })
    relay().deliver('A', { data: 2, exclude: 'another' })
    relay().deliver('A', { data: 3 })
    await pass()
    expect([tab, second.tab, heard]).toEqual(['me', 'another', [3]])
  })

  it('has the id of the page once the relay has named it', async () => {
    const client = connect()
    const before = client.tab
    await pass()
    expect([before, client.tab]).toEqual([undefined, 'me'])
  })
})
