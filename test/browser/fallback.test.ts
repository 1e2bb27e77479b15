import { afterEach, expect, it } from 'vitest'
import { type BlockingProxy, startBlockingProxy } from '../support/blocking-proxy.js'
import { describeInEngines } from './engines.js'
import { type RelayProcess, startRelay } from './relay-process.js'
import { readUmd, serve, type StaticServer } from './static-server.js'
import { waitFor } from './tab-browser.js'

function pageOf(port: number, attributes: string): string {
  return `<!doctype html>
    <script src="/signalpost.min.js" data-url="ws://localhost:${port}/signals" ${attributes}></script>
    <script>
      received = []
      Signalpost.receiveSignal('Saved', (data) => received.push(data))
      state = () => Signalpost.getPageClient().status.state
    </script>`
}

describeInEngines('pages whose WebSockets are blocked', (browser) => {
  let relay: RelayProcess | undefined
  let proxy: BlockingProxy | undefined
  let server: StaticServer | undefined

  afterEach(async () => {
    proxy?.close()
    await server?.close()
    await relay?.kill()
  })

  it.each([
    ['streams answers', 'data-fallback', 0],
    ['holds answers back', 'data-fallback', 65_536],
    ['streams answers', 'data-shared data-fallback', 0],
  ])('send and receive by requests, behind a proxy that %s, with %s', async (_way, attributes, bufferBytes) => {
    relay = await startRelay()
    const target = Number(new URL(relay.url).port)
    proxy = await startBlockingProxy(() => target, 'answers 403', bufferBytes)
    server = await serve({
      '/': pageOf(proxy.port, attributes),
      '/signalpost.min.js': await readUmd(),
      '/signalpost-fallback.min.js': await readUmd('signalpost-fallback'),
      '/signalpost-tabs.min.js': await readUmd('signalpost-tabs'),
    })
    const [sender, receiver] = [await browser().open(server.page), await browser().open(server.page)]
    for (const tab of [sender, receiver]) await waitFor(tab, "state() === 'online'")
    for (const number of [1, 2, 3]) {
      const sent = `Signalpost.sendSignal('Saved', ${number}).then(({ outcome }) => outcome)`
      expect(await sender.evaluate(sent)).toBe('accepted')
    }
    // A page that is left sends by a request of its own.
    await sender.evaluate("void Signalpost.sendSignal('Saved', 4)")
    await sender.goto('about:blank')
    await waitFor(receiver, 'received.length === 4')
    expect(await receiver.evaluate('received')).toEqual([1, 2, 3, 4])
    expect(proxy.requests.hellos).toBeGreaterThan(1)
  })
})
