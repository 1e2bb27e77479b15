import type { Durability } from '../log.js'
import type { RedisClient } from './client.js'

/** Time that Redis waits for a confirmation (ms); shorter than `COMMAND_TIMEOUT`. */
const WAIT_TIMEOUT = 3000

/** Runs a write, and resolves when replica or disk confirm it. Rejects without a confirmation. */
export type Confirm = <Result>(write: () => Promise<Result>) => Promise<Result>

/** Waits for a replica or the disk after each write. Concurrent writes share one wait. */
export function createDurability(client: RedisClient, durability: Durability): Confirm {
  if (durability === 'memory') return (write) => write()
  let connections = 0
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  let answersFromDisk: boolean | undefined
  client.on('close', () => {
    connections += 1
    answersFromDisk = undefined
  })

  async function wait(): Promise<void> {
    if (durability === 'replica') {
      if (Number(await client.call('WAIT', 1, WAIT_TIMEOUT)) < 1) throw new Error('no replica has confirmed the write')
      return
    }
    answersFromDisk ??= await syncsBeforeAnswers(client)
    if (answersFromDisk) return
    const [copies] = await waitForDisk(client)
    if (copies < 1) throw new Error('the disk has not confirmed the write')
  }

  /** Returns a wait that starts after the current one, and covers all earlier writes of its connection. */
  function nextWait(): Promise<void> {
    return (next ??= last
      .catch(() => {})
      .then(() => {
        next = undefined
        last = wait()
        return last
      }))
  }

  return async (write) => {
    const connection = connections
    const result = await write()
    await nextWait()
    // A wait on a new connection does not cover writes of the previous one, but would succeed.
    if (connection !== connections) throw new Error('the connection to Redis was lost')
    return result
  }
}

async function waitForDisk(client: RedisClient): Promise<[copies: number, replicas: number]> {
  try {
    return (await client.call('WAITAOF', 1, 0, WAIT_TIMEOUT)) as [number, number]
  } catch (error) {
    // Redis before 7.2 needs the right to read the configuration instead: the caller then reports that right.
    if (error instanceof Error && error.message.startsWith('ERR unknown')) await client.call('CONFIG', 'GET', 'append*')
    throw error
  }
}

/** With `appendfsync always`, every answered write is on the disk. */
async function syncsBeforeAnswers(client: RedisClient): Promise<boolean> {
  try {
    const pairs = (await client.call('CONFIG', 'GET', 'append*')) as string[]
    const valueOf = (name: string): string | undefined => pairs[pairs.indexOf(name) + 1]
    return valueOf('appendonly') === 'yes' && valueOf('appendfsync') === 'always'
  } catch (error) {
    // Without the right to read the configuration, WAITAOF decides.
    if (error instanceof Error && /^(NOPERM|ERR unknown)/.test(error.message)) return false
    throw error
  }
}
