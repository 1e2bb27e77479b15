import type { ConnectOptions, Conversation } from '../protocol-client.js'
import { checkRooms } from './rooms.js'
import { checkSending } from './sending.js'
import { checkSince } from './since.js'
import { checkWire } from './wire.js'

/** A relay as the rules see it, whatever it runs on. */
export interface SuiteRelay {
  connect(options?: Pick<ConnectOptions, 'rooms'>): Promise<Conversation>
  /** Connects, and is in its rooms. */
  join(...rooms: readonly string[]): Promise<Conversation>
}

/** Starts a fresh relay with the settings that a relay has by itself; it ends with the test. */
export type StartRelay = () => Promise<SuiteRelay>

/**
 * The rules that bind every relay that speaks the protocol: the real one, and the one for users' tests.
 *
 * @param hasClockElsewhere Whether the log has a clock that a test cannot move.
 */
export function checkProtocol(start: StartRelay, hasClockElsewhere = false): void {
  checkWire(start)
  checkRooms(start)
  checkSince(start, hasClockElsewhere)
  checkSending(start)
}
