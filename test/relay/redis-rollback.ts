import { expect } from 'vitest'
import { createRedisLog } from '../../examples/relay/signal-log/redis/log.js'
import { connect, join, startRelay, type ProtocolClient } from './protocol-client.js'
import { KEEPS, startRedis } from './redis-server.js'

const LOGGED = 40
const SAVED = 30
const LATER = 10
const EVENTS = LOGGED + LATER

/** What a receiver was told: data, and gaps. */
function told(client: ProtocolClient | undefined): unknown[] | undefined {
  return client?.frames.flatMap((frame): unknown[] => {
    if (frame.type === 'gap') return [`gap ${frame.reason}`]
    return frame.type === 'signal' ? [frame.data] : []
  })
}

/**
 * F12: a Redis comes back with an older state while receivers are away: 40 signals are accepted, the last 10 are gone, and
 * 10 others take their places. Says how many gaps were told, and how many were published.
 */
export async function bringBackAnOlderState(): Promise<{ readonly gaps: number; readonly published: number }> {
  const redis = await startRedis(KEEPS.nothing)
  const log = createRedisLog({ url: redis.url })
  const { url } = await startRelay({ log })
  const sender = await join(url)
  const { epoch } = sender.frames.find((frame) => frame.type === 'joined') ?? { epoch: '' }
  for (let count = 1; count <= SAVED; count++) sender.signal('Saved', count)
  await sender.heard(SAVED)
  await redis.ask('SAVE')
  for (let count = SAVED + 1; count <= LOGGED; count++) sender.signal('Saved', count)
  const heard = await sender.heard(LOGGED)
  sender.socket.terminate()
  await redis.kill()
  await redis.start()
  const other = await join(url)
  for (let count = LOGGED + 1; count <= EVENTS; count++) other.signal('Saved', count)
  await other.heard(LATER)
  const [behind, ahead] = await Promise.all(
    [20, LOGGED].map((offset) =>
      connect(url, { rooms: [{ room: 'main', since: { epoch, offset, id: heard[offset - 1]?.id ?? '' } }] }),
    ),
  )
  // What stood at 20 stands there still; what stood at 40 is another signal now.
  await behind?.heard(20)
  await ahead?.heard(LATER)
  for (const page of [behind, ahead]) {
    expect(page?.frames.filter(({ type }) => type === 'gap')).toHaveLength(1)
    expect(page?.frames.find(({ type }) => type === 'joined')).toMatchObject({ recovered: false })
  }
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
  expect(told(behind)).toEqual(['gap epoch', ...range(21, SAVED), ...range(LOGGED + 1, EVENTS)])
  expect(told(ahead)).toEqual(['gap epoch', ...range(LOGGED + 1, EVENTS)])
  return { gaps: 2, published: EVENTS }
}
