import { DEFAULT_ROOM } from '../../../src/protocol/names.js'
import type { SendFrame, Sender } from '../../../src/protocol/frames.js'
import { findFault, type SignalRefusal } from './validate-signal.js'
import type { NewEntry } from '../signal-log/log.js'
import { signalPrefix } from '../signal-log/new-entry.js'
import type { Rights } from './rights.js'
import type { SenderEpochs } from '../signal-log/sender-epochs.js'

/** The sender of a signal, with its rights. */
export interface Principal {
  readonly sender: Sender
  readonly rights: Rights
  readonly isValidId: (id: string) => boolean
  /** The epochs of the sender's earlier signals. */
  readonly epochs: SenderEpochs
}

/**
 * Checks a signal and prepares it for the log. Unknown fields are dropped.
 *
 * @param exclude The public name of a page that does not handle the signal. Only backends may exclude one.
 */
export function prepareSignal(send: SendFrame, principal: Principal, exclude?: string): NewEntry | SignalRefusal {
  const { id, signal, data, room = DEFAULT_ROOM } = send
  if (!principal.isValidId(id)) return { code: 'bad-data', text: 'The id is invalid. PROTOCOL.md describes its form.' }
  const fault = findFault(send, DEFAULT_ROOM)
  if (fault) return fault
  if (!(principal.rights.send?.(room, signal) ?? true)) {
    return { code: 'denied', text: 'You may not send this signal to this room.' }
  }
  const prefix = signalPrefix({ id, signal, data, room, sender: principal.sender, exclude })
  return { room, id, prefix, epochs: principal.epochs }
}

export function isRefusal(value: NewEntry | SignalRefusal): value is SignalRefusal {
  return typeof value === 'object' && 'code' in value
}
