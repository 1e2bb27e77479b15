import { openConnection } from '../../src/connection/connection.js'
import type { OpenSocket } from '../../src/connection/socket.js'
import { createSignalClient, type SignalClient, type SignalError, type Token } from '../../src/index.js'

/** Clients come back by themselves, or as soon as something tells them to, as the events of a busy page do. */
export type Return = 'by itself' | 'when told'

export interface PageOptions {
  readonly name: string
  readonly port: number
  readonly token?: Token | undefined
  readonly returns: Return
  /** How long an impatient page waits before it dials, in milliseconds. */
  readonly impatience: () => number
  /** Replaces the WebSockets of the page. */
  readonly openWire?: OpenSocket | undefined
}

/** One page: the SDK itself, with what it reported. */
export interface Page {
  readonly name: string
  readonly client: SignalClient
  /** Codes of the errors that the application was told of. */
  readonly errors: Map<string, number>
  close(): void
}

export function openPage({ name, port, token, returns, impatience, openWire }: PageOptions): Page {
  const errors = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  const client = createSignalClient({
    url: `ws://127.0.0.1:${port}/signals?client=${name}`,
    connect: 'manual',
    since: 'now',
    ...(token !== undefined && { token }),
    ...(openWire && { transport: (settings, events) => openConnection(settings, events, openWire) }),
    onError: ({ code }: SignalError) => errors.set(code, (errors.get(code) ?? 0) + 1),
  })
  client.onStatus(({ state }) => {
    clearTimeout(timer)
    if (returns === 'when told' && state === 'waiting') timer = setTimeout(client.connect, impatience())
  })
  client.connect()
  return {
    name,
    client,
    errors,
    close() {
      clearTimeout(timer)
      client.close()
    },
  }
}
