import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Chance } from './chance.js'

export interface NotificationProxy {
  readonly port: number
  /** How many messages it has dropped. */
  readonly dropped: number
  close(): Promise<void>
}

/** A proxy in front of a Redis that drops a share of what is published, and nothing else. */
export async function startNotificationProxy(
  target: () => number,
  share: number,
  chance: Chance,
): Promise<NotificationProxy> {
  const sockets = new Set<Socket>()
  let dropped = 0

  const server = createServer({ noDelay: true }, (client) => {
    const redis = connect({ port: target(), host: HOST, noDelay: true })
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (bytes) => redis.write(bytes))
    let rest: Buffer = Buffer.alloc(0)
    redis.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      for (let end = endOfReply(rest, 0); end !== undefined; end = endOfReply(rest, 0)) {
        const reply = rest.subarray(0, end)
        rest = rest.subarray(end)
        if (reply.subarray(0, MESSAGE.length).equals(MESSAGE) && chance.next() < share) dropped += 1
        else client.write(reply)
      }
    })
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()

  return {
    port: typeof address === 'object' && address ? address.port : 0,
    get dropped() {
      return dropped
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

const HOST = '127.0.0.1'
const MESSAGE = Buffer.from('*3\r\n$7\r\nmessage\r\n')

/** Where the reply that begins here ends; `undefined` while it is not whole. */
function endOfReply(bytes: Buffer, start: number): number | undefined {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd < 0) return undefined
  const next = lineEnd + 2
  const kind = String.fromCharCode(bytes[start] ?? 0)
  if (kind !== '$' && kind !== '*') return next
  const size = Number(bytes.toString('latin1', start + 1, lineEnd))
  if (size < 0) return next
  if (kind === '$') return bytes.length < next + size + 2 ? undefined : next + size + 2
  let end: number | undefined = next
  for (let item = 0; item < size && end !== undefined; item += 1) end = endOfReply(bytes, end)
  return end
}
