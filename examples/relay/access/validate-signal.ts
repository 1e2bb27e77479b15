import { isName } from '../../../src/protocol/names.js'
import type { JsonValue, RefusalCode, SendFrame } from '../../../src/protocol/frames.js'

/** Levels of arrays and objects that a signal's data may have. */
const MAX_DEPTH = 32

/** What a name must look like, for people. */
export const NAME_RULE = 'It starts with a letter, then up to 127 letters, digits or any of _ . : - follow.'

export interface SignalRefusal {
  readonly code: RefusalCode
  readonly text: string
}

/** Says what is wrong with the form of a signal, if anything is. */
export function findFault({ signal, room, data }: SendFrame, defaultRoom: string): SignalRefusal | undefined {
  if (!isName(signal)) return { code: 'bad-name', text: `The signal's name is not legal. ${NAME_RULE}` }
  if (!isName(room ?? defaultRoom)) return { code: 'bad-name', text: `The room's name is not legal. ${NAME_RULE}` }
  if (data === undefined || !isDeeper(data, MAX_DEPTH)) return undefined
  return { code: 'bad-data', text: `The data is nested more than ${MAX_DEPTH} levels deep. Send something flatter.` }
}

function isDeeper(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((part) => isDeeper(part, levels - 1))
}
