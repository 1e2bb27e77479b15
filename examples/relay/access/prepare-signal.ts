import { DEFAULT_ROOM } from '../../../src/protocol/names.js'
import type { SendFrame, Sender } from '../../../src/protocol/frames.js'
import { findFault, type Refusal } from './validate-signal.js'
import type { AppendResult, NewEntry } from '../log/log.js'
import type { RetryingLog } from '../log/retry.js'
import type { Rights } from './rights.js'
import type { SenderEpochs } from '../log/sender-epochs.js'

/** Who brings a signal in, and what may be brought. */
export interface Bearer {
  readonly sender: Sender
  readonly rights: Rights
  readonly isOwnId: (id: string) => boolean
  /** Where the sender's earlier signals went. */
  readonly epochs: SenderEpochs
}

/** Checks a signal and makes it ready for the log; what the client wrote beside the known fields is left behind. */
export function draft(send: SendFrame, bearer: Bearer): NewEntry | Refusal {
  const { id, signal, data, room = DEFAULT_ROOM } = send
  if (!bearer.isOwnId(id)) return { code: 'bad-data', text: 'The id does not have the form that PROTOCOL.md asks for.' }
  const fault = findFault(send, DEFAULT_ROOM)
  if (fault) return fault
  if (!(bearer.rights.send?.(room, signal) ?? true)) {
    return { code: 'denied', text: 'You may not send this signal to this room.' }
  }
  const opening = JSON.stringify({ type: 'signal', id, signal, data, room, sender: bearer.sender }).slice(0, -1)
  return { room, id, prefix: opening, epochs: bearer.epochs }
}

export function isRefusal(value: NewEntry | Refusal | AppendResult): value is Refusal {
  return typeof value === 'object' && 'code' in value
}

/** Brings one signal of a page into the log. */
export async function takeIn(
  send: SendFrame,
  bearer: Bearer,
  log: RetryingLog,
  isGivenUp?: () => boolean,
): Promise<Refusal | undefined> {
  const ready = draft(send, bearer)
  if (isRefusal(ready)) return ready
  await log.append(ready, isGivenUp)
  return undefined
}
