import { ROOMS, type Model } from './scenario.js'
import { pause } from './waiting.js'

/** The memberships of all receivers: a killed relay owes each of them a gap. */
export const MEMBERSHIPS = 6 * ROOMS.length

/** Kills the relay so many milliseconds after everybody was back, again and again. */
export async function killRelay({ restart, allBack, isOver, note }: Model, every: number): Promise<void> {
  while (!isOver()) {
    await pause(every)
    note('kills')
    await restart()
    await allBack()
  }
}
