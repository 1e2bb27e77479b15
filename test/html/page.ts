import { afterEach, beforeEach, expect, vi } from 'vitest'
import { bindHtml, type HtmlOptions } from '../../src/html/index.js'
import { createSignalClient, type SignalClient, type SignalError, type Stop } from '../../src/index.js'
import { pass, RELAY_URL, startMockRelay } from '../support/mock-relay.js'

export interface Page {
  readonly relay: ReturnType<typeof startMockRelay>
  readonly client: SignalClient
  /** What went wrong, as texts `code: message`. */
  readonly errors: string[]
  /** Names and data of what the page sent, in order. */
  sent(): { readonly name: string; readonly data: unknown; readonly room: string | undefined }[]
}

/** A page with an HTML body, a client that is online, and bound attributes, for tests on fake time. */
export function usePage() {
  let relay: ReturnType<typeof startMockRelay>
  const stops: Stop[] = []

  beforeEach(() => {
    vi.useFakeTimers()
    relay = startMockRelay()
  })

  afterEach(async () => {
    for (const stop of stops.splice(0)) stop()
    await pass()
    expect(vi.getTimerCount()).toBe(0)
    expect(document.documentElement.outerHTML).not.toContain('data-signal-state')
    relay.stop()
    vi.useRealTimers()
    document.body.replaceWith(document.createElement('body'))
  })

  function bind(options: HtmlOptions = {}): { readonly errors: string[]; readonly stop: Stop } {
    const errors: string[] = []
    const stop = bindHtml({
      onError: ({ code, message }: SignalError) => errors.push(`${code}: ${message}`),
      ...options,
    })
    stops.push(stop)
    return { errors, stop }
  }

  function connect(): SignalClient {
    const client = createSignalClient({ url: RELAY_URL })
    stops.push(client.close)
    return client
  }

  return {
    bind,
    connect,
    relay: () => relay,

    async open(html: string, options?: HtmlOptions): Promise<Page> {
      document.body.innerHTML = html
      const client = connect()
      const { errors } = bind(options)
      await pass()
      return { relay, client, errors, sent }
    },
  }

  function sent(): ReturnType<Page['sent']> {
    return relay.sent('signal').map(({ signal, data, room }) => ({ name: signal, data, room }))
  }
}

export function element<Kind extends HTMLElement = HTMLElement>(selector: string): Kind {
  const found = document.querySelector<Kind>(selector)
  if (!found) throw new Error(`There is no ${selector}.`)
  return found
}
