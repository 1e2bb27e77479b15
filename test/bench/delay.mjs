/** A network between pages and the relay. */
import { connect, createServer } from 'node:net'

/** Forwards connections to a port, with every byte so much later (ms). */
export async function startDelay(port, delay) {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    forward(near, far)
    forward(far, near)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: server.address().port, stop: () => server.close() }

  function forward(from, to) {
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), delay))
    from.on('close', () => setTimeout(() => to.destroy(), delay))
    from.on('error', () => {})
  }
}
