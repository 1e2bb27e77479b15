import type { Server } from 'node:http'
import { expect, it } from 'vitest'
import type { Connection } from '../../examples/relay/connection/connection.js'
import { drain } from '../../examples/relay/connection/drain.js'

const silent = (): void => undefined

/** Drains so many connections, and returns the wait that each was asked for (ms), in order. */
async function waitsOf(count: number): Promise<readonly number[]> {
  const waits: number[] = []
  const connection = {
    writer: { send: ({ retryAfter }: { retryAfter: number }) => waits.push(retryAfter), end: silent },
    finish: () => Promise.resolve(),
    terminate: silent,
  }
  const connections = Array.from({ length: count }, () => connection as unknown as Connection)
  const server = { close: (done: () => void) => done(), closeIdleConnections: silent, closeAllConnections: silent }
  await drain({ connections: () => connections, server: server as unknown as Server, maxSpread: 5000 })
  return waits.toSorted((one, other) => one - other)
}

it.each([
  { count: 1, seconds: 1 },
  { count: 200, seconds: 1 },
  { count: 3000, seconds: 3 },
  { count: 20_000, seconds: 5 },
])('P8.3 asks $count clients to return evenly over $seconds s', async ({ count, seconds }) => {
  const waits = await waitsOf(count)
  const slot = (seconds * 1000) / count
  const strays = waits.filter((wait, index) => wait < Math.floor(index * slot) || wait > (index + 1) * slot)
  expect([waits.length, strays]).toEqual([count, []])
})
