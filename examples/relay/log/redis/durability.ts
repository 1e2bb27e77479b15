import type { Durability } from '../log.js'
import type { RedisClient } from './client.js'

/** How long Redis waits before it says that it is not certain, in milliseconds; less than a line may be silent. */
const WAIT_TIMEOUT = 3000

/** Does a write, and resolves when it is where it has to be; rejects when that is not certain. */
export type Confirm = <Result>(write: () => Promise<Result>) => Promise<Result>

/** Makes writes wait for a replica or a disk. Those that are written meanwhile wait together. */
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
      if (Number(await client.call('WAIT', 1, WAIT_TIMEOUT)) < 1) throw new Error('no replica has it yet')
      return
    }
    answersFromDisk ??= await syncsBeforeAnswers(client)
    if (answersFromDisk) return
    const [copies] = (await client.call('WAITAOF', 1, 0, WAIT_TIMEOUT)) as [number, number]
    if (copies < 1) throw new Error('the disk does not have it yet')
  }

  /** A wait covers all that was written on its line before it began. */
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
    // Another line knows nothing of what was written on this one, and would say that all is well.
    if (connection !== connections) throw new Error('the line to Redis was lost')
    return result
  }
}

/** With `appendfsync always`, whatever Redis has answered is on its disk. */
async function syncsBeforeAnswers(client: RedisClient): Promise<boolean> {
  try {
    const pairs = (await client.call('CONFIG', 'GET', 'append*')) as string[]
    const valueOf = (name: string): string | undefined => pairs[pairs.indexOf(name) + 1]
    return valueOf('appendonly') === 'yes' && valueOf('appendfsync') === 'always'
  } catch (error) {
    // Where nobody may look at the configuration, WAITAOF has to tell.
    if (error instanceof Error && /^(NOPERM|ERR unknown)/.test(error.message)) return false
    throw error
  }
}
