import type { Logger } from './logger.js'
import { limitOf, type RelaySettings } from './options/options.js'
import type { SignalLog } from './log/log.js'
import { createMemoryLog } from './log/memory/log.js'
import { createRedisLog } from './log/redis/log.js'

/** Creates the log in memory or in Redis, as configured. */
export function createLog(settings: RelaySettings, logger: Logger): SignalLog {
  const limits = {
    history: limitOf(settings.history),
    historyMs: limitOf(settings.historyMs),
    window: limitOf(settings.window),
  }
  const { redis: url, durability } = settings
  if (url === '') {
    return createMemoryLog({
      ...limits,
      onShortWindow: () =>
        logger.warn(
          { window: settings.window },
          'so many signals come that their ids are forgotten before --window is over; one that is sent again after that is logged twice. Shorten --window to what is true, so that pages give up earlier than that, or keep the log in Redis',
        ),
    })
  }
  return createRedisLog({
    ...limits,
    historyBytes: limitOf(settings.historyBytes),
    url,
    durability,
    onHealth(health, reason) {
      if (health === 'ready') logger.info({}, 'Redis is back')
      else logger.warn({ reason }, 'Redis is away: nothing is accepted until it is back')
    },
    onTrouble: (reason) =>
      logger.warn({ reason }, 'Redis takes writes, but not everything that was asked of it worked'),
  })
}
