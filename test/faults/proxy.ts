import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Chance } from './chance.js'
import { createDelayedDirection, type DelayedDirection, type Shape } from './delayed-connection.js'
import type { FrameRules, Side } from './frame-rules.js'
import { createFrameReader } from './websocket-frames.js'

/** `both`: nothing passes though both ends stay open. `toRelay`, `toClient`: nothing passes that way. */
type Stall = 'both' | 'toRelay' | 'toClient'

/** One connection through the proxy. */
interface ProxyConnection {
  /** Ends both sides at once; `reset` sends RST. */
  cut(how?: 'destroy' | 'reset'): void
  /** Swallows what passes, and the news of either end, until `heal`. */
  stall(way?: Stall): void
  /** Lets pass what was held up. */
  heal(): void
  readonly isStalled: boolean
  /** What the client calls itself in its url (`?client=`). */
  readonly client: string
}

export interface Proxy {
  readonly port: number
  /** The connections that are open. */
  readonly connections: ReadonlySet<ProxyConnection>
  /** Sets how the connections treat what passes, those that are open too. */
  shape(shape: Shape): void
  /** While refused, nobody gets through. */
  refuse(isRefused: boolean): void
  /** When each connection came, by the monotonic clock. */
  readonly arrivals: readonly number[]
  close(): Promise<void>
}

export interface ProxyOptions {
  /** Where the relay listens; there is nothing behind `undefined`. */
  readonly target: () => number | undefined
  readonly chance: Chance
  /** Rules for single frames. Without them bytes pass as they come. */
  readonly rules?: FrameRules
}

/** A TCP proxy in this process, in front of one relay. */
export async function startProxy({ target, chance, rules }: ProxyOptions): Promise<Proxy> {
  const connections = new Set<ProxyConnection>()
  const arrivals: number[] = []
  let shape: Shape = {}
  let isRefused = false

  const server = createServer({ noDelay: true }, (client) => {
    arrivals.push(performance.now())
    client.on('error', () => {})
    const port = target()
    if (isRefused || port === undefined) return void client.resetAndDestroy()
    const relay = connect({ port, host: HOST, noDelay: true })
    relay.on('error', () => {})
    const connection = join(client, relay)
    connections.add(connection)
    // A connection that is stalled does not tell one end that the other is gone.
    client.once('close', () => relay.closed && connections.delete(connection))
    relay.once('close', () => client.closed && connections.delete(connection))
  })

  function join(client: Socket, relay: Socket): ProxyConnection {
    let stalled: Stall | undefined
    const toRelay = carry('client', client, relay, () => stalled === 'both' || stalled === 'toRelay')
    const toClient = carry('relay', relay, client, () => stalled === 'both' || stalled === 'toClient')
    let name = ''
    client.once('data', (head: Buffer) => {
      name = /[?&]client=([^ &]+)/.exec(head.toString())?.[1] ?? ''
    })
    return {
      get client() {
        return name
      },
      get isStalled() {
        return stalled !== undefined
      },
      cut(how = 'destroy') {
        toRelay.destroy()
        toClient.destroy()
        for (const socket of [client, relay]) {
          if (how === 'reset') socket.resetAndDestroy()
          else socket.destroy()
        }
      },
      stall(way = 'both') {
        stalled = way
        if (way !== 'toClient') toRelay.shut()
        if (way !== 'toRelay') toClient.shut()
      },
      heal() {
        stalled = undefined
        toRelay.open()
        toClient.open()
      },
    }
  }

  /** One direction, the news of its end included, which comes after everything that was sent before. */
  function carry(from: Side, source: Socket, sink: Socket, isShut: () => boolean): DelayedDirection {
    const out = createDelayedDirection(
      (bytes) => sink.writable && sink.write(bytes),
      () => shape,
      chance,
    )
    const reader = rules && createFrameReader()
    const outlet = {
      push: out.push,
      pushAstray: out.pushAstray,
      closeWith(frame: Buffer) {
        const [client, relay] = from === 'client' ? [source, sink] : [sink, source]
        client.end(frame)
        relay.destroy()
      },
    }
    source.on('data', (bytes: Buffer) => {
      if (!reader || !rules) return out.push(bytes)
      for (const frame of reader.read(bytes)) rules.apply(from, frame, outlet)
    })
    source.once('close', () => out.end(() => sink.destroySoon()))
    sink.once('close', () => {
      if (!isShut()) out.destroy()
    })
    return out
  }

  server.listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0

  return {
    port,
    connections,
    arrivals,
    shape(next) {
      shape = next
    },
    refuse(next) {
      isRefused = next
    },
    async close() {
      server.close()
      for (const connection of connections) connection.cut()
      await once(server, 'close')
    },
  }
}

const HOST = '127.0.0.1'
