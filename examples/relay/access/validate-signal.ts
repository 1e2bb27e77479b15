import { isName } from '../../../src/protocol/names.js'
import type { JsonValue, RefusalCode, SendFrame } from '../../../src/protocol/frames.js'

/** Maximum depth of nested arrays and objects in a signal's data. */
const MAX_DEPTH = 32

/** The form of a name, for texts. */
export const NAME_RULE = 'A name is a letter, followed by up to 127 letters, digits or characters of "_.:-".'

export interface SignalRefusal {
  readonly code: RefusalCode
  readonly text: string
}

/** Returns the first fault of a signal, if it has one. */
export function findFault({ signal, room, data }: SendFrame, defaultRoom: string): SignalRefusal | undefined {
  if (!isName(signal)) return { code: 'bad-name', text: `The signal's name is invalid. ${NAME_RULE}` }
  if (!isName(room ?? defaultRoom)) return { code: 'bad-name', text: `The room's name is invalid. ${NAME_RULE}` }
  if (data === undefined || !isDeeper(data, MAX_DEPTH)) return undefined
  return { code: 'bad-data', text: `The data is nested more than ${MAX_DEPTH} levels deep. Send flatter data.` }
}

function isDeeper(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((part) => isDeeper(part, levels - 1))
}
