import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A connection to the relay that can die in silence: TCP stays open, and nothing passes any more. */
export interface BreakableConnection {
  /** The address of the WebSocket behind it. */
  readonly url: string
  /** Swallows what passes on the connections that are there, both ways. New ones work. */
  swallow(): void
  /** From now on swallows what comes on new connections as well, unless it begins with this. */
  swallowAllBut(beginning: string): void
  /** Breaks the connections that are there. */
  cut(): void
  close(): Promise<void>
}

export async function openBreakableConnection(relayUrl: string): Promise<BreakableConnection> {
  const target = Number(new URL(relayUrl).port)
  const swallowing = new Set<Socket>()
  const open = new Set<Socket>()
  let passing = ''

  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    open.add(near).add(far)
    near.once('data', (bytes) => {
      if (!bytes.toString('latin1').startsWith(passing)) swallowing.add(near)
    })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => swallowing.has(near) || to.write(bytes))
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    url: `ws://localhost:${port}/signals`,
    swallow() {
      for (const socket of open) swallowing.add(socket)
    },
    swallowAllBut(beginning) {
      passing = beginning
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
    async close() {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
