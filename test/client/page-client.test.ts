import { describe, expect, it } from 'vitest'
import {
  getPageClient,
  onPageClient,
  onSignalStatus,
  receiveSignal,
  sendSignal,
  setPageClient,
  type SignalClient,
} from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { connect, relay } = useClients()

describe("the page's client", () => {
  it('is the first one, until it closes or another is named', async () => {
    const first = connect()
    const second = connect()
    expect(getPageClient()).toBe(first)
    setPageClient(second)
    first.close()
    expect(getPageClient()).toBe(second)
    second.close()
    expect(getPageClient()).toBeUndefined()
    await pass()
  })

  it('is told whenever it is another one, before it connects, and not after the stop', () => {
    const told: [client: SignalClient | undefined, state: string | undefined][] = []
    const stop = onPageClient((client) => told.push([client, client?.status.state]))
    const first = connect()
    const second = connect()
    setPageClient(second)
    second.close()
    stop()
    setPageClient(first)
    expect(told).toEqual([
      [first, 'idle'],
      [second, 'connecting'],
      [undefined, undefined],
    ])
  })

  it('serves the free functions', async () => {
    connect()
    const heard: unknown[] = []
    const states: string[] = []
    onSignalStatus(({ state }) => states.push(state))
    receiveSignal('A', (data) => heard.push(data))
    const result = sendSignal('A', 1)
    await pass()
    relay().deliver('A', { data: 2 })
    expect([heard, states, (await result).outcome]).toEqual([[2], ['online'], 'accepted'])
  })

  it('is missed with an error that says what to do', () => {
    for (const call of [
      () => sendSignal('A'),
      () => receiveSignal('A', () => 1),
      () => onSignalStatus(() => undefined),
    ]) {
      expect(call).toThrow(
        expect.objectContaining({
          code: 'no-client',
          message: expect.stringContaining('createSignalClient') as string,
        }),
      )
    }
  })
})
