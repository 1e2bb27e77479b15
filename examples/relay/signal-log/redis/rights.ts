import type { Durability } from '../log.js'
import type { RedisClient } from './client.js'
import type { RedisNames } from './codec.js'

const PROBE_LIFETIME = 60_000
const UNKNOWN_SCRIPT = '0'.repeat(40)

export interface RightsCheckOptions {
  readonly writeClient: RedisClient
  readonly subscribeClient: RedisClient
  readonly names: RedisNames
  readonly durability: Durability
}

type Command = readonly [name: string, ...args: (string | number)[]]

/**
 * Returns the rights that the user lacks, as `ACL SETUSER` takes them. Redis does not name a command that a script was
 * denied, so this calls each command once. The key of the probe is a text, so commands for other types change nothing.
 */
export async function missingRights(options: RightsCheckOptions): Promise<string[]> {
  const { writeClient, subscribeClient, names, durability } = options
  const missing = new Set<string>()

  async function check(client: RedisClient, [name, ...args]: Command): Promise<void> {
    try {
      await client.call(name, ...args)
    } catch (error) {
      const text = error instanceof Error ? error.message : ''
      if (text.startsWith('NOPERM')) missing.add(rightIn(text, name, names.start))
    }
  }

  await Promise.all(commandsOn(names.probe, durability).map((command) => check(writeClient, command)))
  try {
    await subscribeClient.subscribe(names.probe)
    await subscribeClient.unsubscribe(names.probe)
  } catch (error) {
    const text = error instanceof Error ? error.message : ''
    if (text.startsWith('NOPERM')) missing.add(rightIn(text, /'(\w+)'/.exec(text)?.[1] ?? 'subscribe', names.start))
  }
  return [...missing]
}

function rightIn(text: string, command: string, start: string): string {
  if (/\bkeys?\b/.test(text)) return `~${start}*`
  return /\bchannels?\b/.test(text) ? `&${start}*` : `+${command}`
}

function commandsOn(key: string, durability: Durability): Command[] {
  return [
    ['ping'],
    ['info', 'server'],
    ['eval', 'return 1', 0],
    ['evalsha', UNKNOWN_SCRIPT, 0],
    ['time'],
    ['set', key, '', 'PX', PROBE_LIFETIME],
    ['get', key],
    ['exists', key],
    ['pexpire', key, PROBE_LIFETIME],
    ['pttl', key],
    ['hset', key, 'a', ''],
    ['hget', key, 'a'],
    ['hmget', key, 'a'],
    ['xadd', key, 'NOMKSTREAM', '*', 'a', ''],
    ['xrange', key, '-', '+'],
    ['xtrim', key, 'MINID', 0],
    ['publish', key, ''],
    ['del', key],
    ...(durability === 'replica' ? [['wait', 0, 1] as const] : []),
  ]
}
