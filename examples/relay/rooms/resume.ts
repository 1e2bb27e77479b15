import type { GapFrame, Position } from '../../../src/protocol/frames.js'
import type { LogPage } from '../log/log.js'

/** Where delivery goes on, and what must be told before it does. */
export interface Start {
  readonly offset: number
  readonly id?: string | undefined
  readonly gap?: Pick<GapFrame, 'reason' | 'from'> | undefined
}

/** Decides where to go on for somebody who last handled `since`; `tail` was read from `since.offset`. */
export function resume(page: LogPage, since: Position): Start {
  const { epoch, base, floor, head, floorId } = page
  if (since.epoch === epoch && since.offset <= head) {
    if (since.offset >= floor) return { offset: since.offset, id: page.id }
    return { offset: floor, id: floorId, gap: { reason: 'trimmed', from: since.offset } }
  }
  // This epoch carried on the offsets of the old log, and the entry there has the same id: both logs agree up to it,
  // though later ones of the old log may be gone. Above `base` the same id may stand at the same offset by chance.
  if (since.offset <= base && since.id !== undefined && since.id === page.id) {
    return { offset: since.offset, id: since.id, gap: { reason: 'epoch', from: since.offset } }
  }
  const offset = Math.max(base, floor)
  return { offset, ...(offset === floor && { id: floorId }), gap: { reason: 'epoch', from: since.offset } }
}
