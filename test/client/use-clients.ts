import { afterEach, beforeEach, expect, vi } from 'vitest'
import { type ClientOptions, createSignalClient, type SignalClient, type SignalError } from '../../src/index.js'
import { type MockRelayOptions, pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'

/** Clients of a mock relay on fake time. Each test's clients are closed after it, and must leave no timer behind. */
export function useClients() {
  let relay: ReturnType<typeof startMockRelay>
  const clients: SignalClient[] = []
  const errors: SignalError[] = []

  beforeEach(() => {
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    relay = startMockRelay()
    errors.length = 0
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await pass()
    expect(vi.getTimerCount()).toBe(0)
    relay.stop()
    vi.useRealTimers()
  })

  function connect(options: ClientOptions = {}): SignalClient {
    const client = createSignalClient({ url: RELAY_URL, onError: (error) => errors.push(error), ...options })
    clients.push(client)
    return client
  }

  return {
    connect,

    async online(options?: ClientOptions): Promise<SignalClient> {
      const client = connect(options)
      await pass()
      return client
    },

    /** Another relay in the place of the first one, which a test has stopped or this stops. */
    restartRelay(options?: MockRelayOptions): void {
      relay.stop()
      relay = startMockRelay(options)
    },

    closeAfterTest: (client: SignalClient) => void clients.push(client),
    relay: () => relay,
    errors,
    codes: () => errors.map(({ code }) => code),
  }
}
