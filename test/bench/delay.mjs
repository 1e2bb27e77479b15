/** A network between pages and the relay. */
import { connect, createServer } from 'node:net'

/**
 * Forwards connections to a port, with every byte so much later (ms). The first bytes of a client come a round trip later
 * still: over a network, its connection would be open only then.
 */
export async function startDelay(port, delay) {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    const openAt = performance.now() + 2 * delay
    forward(near, far, () => Math.max(0, openAt - performance.now()) + delay)
    forward(far, near, () => delay)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: server.address().port, stop: () => server.close() }

  function forward(from, to, delayNow) {
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayNow()))
    from.on('close', () => setTimeout(() => to.destroy(), delayNow()))
    from.on('error', () => {})
  }
}
