import type { Model } from './scenario.js'
import { pause } from './waiting.js'

/** Cuts half of the lines every so many milliseconds, in the ways that lines break. */
export async function cutLines({ proxy, chance, isOver, note }: Model, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every)
    for (const line of chance.some(proxy.lines, 0.5)) {
      line.cut(chance.next() < 0.5 ? 'reset' : 'destroy')
      note('cuts')
    }
  }
}
