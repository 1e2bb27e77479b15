import type { GapFrame, Position } from '../../../src/protocol/frames.js'
import type { LogPage } from '../signal-log/log.js'

/** The position at which delivery continues, and the gap to report first. */
export interface Start {
  readonly offset: number
  readonly id?: string | undefined
  readonly gap?: Pick<GapFrame, 'reason' | 'from'> | undefined
}

/** Finds the position after `since`, which the client handled last; `page` was read from `since.offset`. */
export function resume(page: LogPage, since: Position): Start {
  const { epoch, base, floor, head, floorId } = page
  if (since.epoch === epoch && since.offset <= head) {
    if (since.offset >= floor) return { offset: since.offset, id: page.id }
    return { offset: floor, id: floorId, gap: { reason: 'trimmed', from: since.offset } }
  }
  // This epoch continues the offsets of an older log, and the ids match: both logs are equal up to here, though later
  // entries of the older one may be lost. Above `base`, equal ids at the same offset may be a coincidence.
  if (since.offset <= base && since.id !== undefined && since.id === page.id) {
    return { offset: since.offset, id: since.id, gap: { reason: 'epoch', from: since.offset } }
  }
  const offset = Math.max(base, floor)
  return { offset, ...(offset === floor && { id: floorId }), gap: { reason: 'epoch', from: since.offset } }
}
