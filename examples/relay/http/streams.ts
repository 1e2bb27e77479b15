import type { ConcurrencyLimit } from '../limits/concurrency.js'
import type { Connection } from '../connection/connection.js'
import type { Connections } from '../connection/connections.js'
import { isDoneWithin } from '../timeout.js'
import * as CloseCode from '../../../src/protocol/close-codes.js'
import { problem, type Reply } from './reply.js'
import { ResponseSocket } from './response-socket.js'

/** The longest time for which the relay holds an answer (ms). */
const MAX_HOLD = 25_000

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  // nginx passes on each event at once.
  'X-Accel-Buffering': 'no',
}

/** Some programs between the relay and the page wait for the first 2 kB. */
const PADDING = `:${' '.repeat(2048)}\n\n`

const BUSY = problem(503, 'busy', 'The relay has too many connections; --max-connections sets the limit.', {
  'Retry-After': '10',
})

const TOO_MANY = problem(
  429,
  'address-connections',
  'This address has too many connections; --max-connections-per-address sets the limit.',
  { 'Retry-After': '10' },
)

export interface StreamsOptions {
  readonly connections: Pick<Connections, 'add' | 'isFull'>
  /** Limits the connections of each address. */
  readonly connectionLimit: ConcurrencyLimit
}

/** A request of a page whose WebSockets are blocked. */
interface StreamRequest {
  /** The hello frame. */
  readonly hello: unknown
  /** How long the answer may be held until there is news (ms); `undefined` for an answer that does not end. */
  readonly wait: number | undefined
  readonly address: string | undefined
}

/** Answers a hello with the frames of a connection. */
export type OpenStream = (request: StreamRequest) => Reply

export function createStreams({ connections, connectionLimit }: StreamsOptions): OpenStream {
  return ({ hello, wait, address }) => {
    if (connections.isFull) return BUSY
    if (address !== undefined && !connectionLimit.acquire(address)) return TOO_MANY
    return {
      status: 200,
      headers: HEADERS,
      body(response) {
        // The heartbeat replaces the time limit of requests.
        response.socket?.setTimeout(0)
        if (address !== undefined) response.on('close', () => connectionLimit.release(address))
        const socket = new ResponseSocket(response)
        const connection = connections.add(socket, socket.output, address)
        socket.receive(JSON.stringify(hello))
        if (wait === undefined) response.write(PADDING)
        else void hold(connection, socket, Math.min(wait, MAX_HOLD))
      },
    }
  }
}

/** Ends the answer with the first news, or when the time is over (ms). */
async function hold(connection: Connection, { whenNews }: ResponseSocket, wait: number): Promise<void> {
  await connection.finish()
  await isDoneWithin(wait, whenNews)
  // Signals of the same turn belong to the same answer.
  setImmediate(() => connection.writer.end(CloseCode.Normal, 'ask again'))
}
