import { vi } from 'vitest'
import {
  type AnySignals,
  createSignalClient,
  type Signal,
  type SignalClient,
  type SignalHandler,
} from '../../src/index.js'

export interface Fixtures {
  readonly client: SignalClient
  /** The rooms that are received now, in the order of the registrations. */
  readonly rooms: () => string[]
  /** How often a receiver was registered. */
  readonly registrations: () => number
  /** Gives a signal to every receiver of now that wants it, whatever its name and room. */
  deliver(data: number): void
}

/** A client without a relay, whose receivers can be counted and called. */
export function createFixtures(): Fixtures {
  const client = createSignalClient({ url: 'ws://relay.test/', connect: 'manual' })
  const receivers = new Set<{
    readonly room: string
    readonly handler: SignalHandler<AnySignals, '*'>
    readonly where: (signal: Signal) => boolean
  }>()
  const receiveSignal = vi.spyOn(client, 'receiveSignal')
  receiveSignal.mockImplementation((_name, handler, { room = 'main', where = () => true } = {}) => {
    const receiver = { room, handler: handler as SignalHandler<AnySignals, '*'>, where: where as () => boolean }
    receivers.add(receiver)
    return () => void receivers.delete(receiver)
  })

  return {
    client,
    rooms: () => [...receivers].map(({ room }) => room),
    registrations: () => receiveSignal.mock.calls.length,
    deliver(data) {
      const sender = { tab: 'you' }
      const signal = { name: 'A', data, room: 'main', id: 'id', at: 1, sender, self: false, replayed: false }
      for (const { handler, where } of receivers) if (where(signal)) handler(data, signal)
    },
  }
}
