import type { Logger } from './logger.js'
import { limitOf, type RelaySettings } from './options/options.js'
import type { SignalLog } from './signal-log/log.js'
import { createMemoryLog } from './signal-log/memory/log.js'
import { createRedisLog } from './signal-log/redis/log.js'

/** Creates the log in memory or in Redis, as configured. */
export function createLog(settings: RelaySettings, logger: Logger): SignalLog {
  const limits = {
    history: limitOf(settings.history),
    historyMs: limitOf(settings.historyMs),
    window: limitOf(settings.window),
  }
  const { redis: url, redisPrefix: prefix, durability } = settings
  if (url === '') {
    return createMemoryLog({
      ...limits,
      onShortWindow: () =>
        logger.warn(
          { window: settings.window },
          'the memory is too small for all ids of --window: a signal that is sent again may be logged twice. Shorten --window, so that pages give up earlier, or store the log in Redis',
        ),
    })
  }
  return createRedisLog({
    ...limits,
    historyBytes: limitOf(settings.historyBytes),
    url,
    prefix,
    durability,
    onHealth(health, reason) {
      if (health === 'ready') logger.info({}, 'Redis is back')
      else logger.warn({ reason }, 'Redis is unavailable: signals wait until it is back')
    },
    onReason: (reason) => logger.warn({ reason }, 'Redis is still unavailable'),
    onTrouble: (reason) => logger.warn({ reason }, 'Redis accepts writes, but some commands fail'),
  })
}
