import type { Model } from './scenario.js'
import { pause } from './waiting.js'

/** Cuts half of the connections every so many milliseconds, in the ways that connections break. */
export async function cutConnections({ proxy, chance, isOver, note }: Model, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every)
    for (const connection of chance.some(proxy.connections, 0.5)) {
      connection.cut(chance.next() < 0.5 ? 'reset' : 'destroy')
      note('cuts')
    }
  }
}
