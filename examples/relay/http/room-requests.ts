import type { IncomingMessage } from 'node:http'
import { isName } from '../../../src/protocol/names.js'
import type { PublishKey } from '../access/keys.js'
import { rightsWithin } from '../access/rights.js'
import { NAME_RULE } from '../access/validate-signal.js'
import { sumMembers, type RoomMembers, type Rooms } from '../rooms/rooms.js'
import type { Siblings } from '../siblings.js'
import type { SignalLog } from '../signal-log/log.js'
import type { Authenticate } from './authenticate.js'
import { json, problem, type Reply } from './reply.js'

/** The path of the list, and the start of the path of a room. */
export const ROOMS_PATH = '/rooms'

const MAX_LISTED = 1000

export interface RoomRequestsOptions {
  readonly authenticate: Authenticate<PublishKey>
  readonly rooms: Pick<Rooms, 'largest' | 'membersOf'>
  readonly log: Pick<SignalLog, 'read'>
  readonly siblings: Siblings
}

/** Tells backends which rooms have members, and where the log of a room is. */
export function createRoomRequests({ authenticate, rooms, log, siblings }: RoomRequestsOptions) {
  const askForAll = siblings.share<void, readonly RoomMembers[]>('rooms', () => rooms.largest(Infinity))
  const askForOne = siblings.share<string, number>('room', rooms.membersOf)

  async function list(mayJoin: (room: string) => boolean): Promise<Reply> {
    const allowed = sumMembers(await askForAll()).filter(({ name }) => mayJoin(name))
    const listed = allowed.slice(0, MAX_LISTED).map(({ name, members }) => ({ room: name, members }))
    return json(200, { rooms: listed, total: allowed.length })
  }

  async function describe(room: string): Promise<Reply> {
    const members = (await askForOne(room)).reduce((sum, count) => sum + count, 0)
    const { epoch, head: offset, id } = await log.read(room, 'end', 1)
    if (members === 0 && offset === 0) {
      return problem(404, 'not-found', 'This room has no member on this instance, and no signal. Check its name.')
    }
    return json(200, { room, members, position: { epoch, offset, ...(id !== undefined && { id }) } })
  }

  return async (request: IncomingMessage, path: string): Promise<Reply> => {
    const authenticated = authenticate(request)
    if ('status' in authenticated) return authenticated
    const { join: mayJoin = () => true } = rightsWithin(authenticated.key)
    const room = decode(path.slice(ROOMS_PATH.length + 1))
    if (room === '') return list(mayJoin)
    if (!isName(room)) return problem(400, 'bad-name', `The room's name is invalid. ${NAME_RULE}`)
    return mayJoin(room) ? describe(room) : problem(403, 'denied', 'This key may not use this room.')
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
