import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, getPageClient, type SignalClient } from '../../src/index.js'

export interface ServerBinding {
  /** The HTML of a component that uses everything, and shows the state of the connection. */
  render(provided?: SignalClient): string | Promise<string>
}

/** G12 for a binding: a server renders with it, and nothing begins. */
export function describeOnServer(name: string, { render }: ServerBinding): void {
  describe(`the binding of ${name} on a server`, () => {
    afterEach(() => {
      getPageClient()?.close()
      vi.useRealTimers()
    })

    it.each(['without a client', "with the page's client", 'with a provided client'])('is inert %s', async (what) => {
      expect('window' in globalThis).toBe(false)
      vi.useFakeTimers()
      const client = what === 'without a client' ? undefined : createSignalClient()
      const receive = client && vi.spyOn(client, 'receiveSignal')
      const listen = client && vi.spyOn(client, 'onStatus')
      const html = await render(what === 'with a provided client' ? client : undefined)
      // Solid lets go of what it rendered in a timer of its own.
      await vi.advanceTimersByTimeAsync(1)
      expect(html).toContain('idle')
      expect([receive?.mock.calls ?? [], listen?.mock.calls ?? [], vi.getTimerCount()]).toEqual([[], [], 0])
    })
  })
}
