import type { RefreshEventDetail } from '../refresh/index.js'
import type { AnySignals, SendOptions, SendResult, Signal, SignalClient, Stop } from '../signals.js'
import type { SignalStatus } from '../status.js'
import { getSharing, onSharing, type Sharing } from '../tabs/sharing.js'
import type { SignalRecord } from './record.js'

const MAIN = 'main'

/** Records the events of a client from now on. */
export function watchClient(client: SignalClient<AnySignals>, rooms: readonly string[], record: SignalRecord): Stop {
  function noteSignal(data: unknown, { name, room, sender, self, replayed }: Signal): void {
    const from = self ? 'this page' : (sender.server ?? sender.user ?? sender.tab ?? 'somebody')
    record.count('received')
    record.note('received', `${name}${inRoom(room)} from ${from}${replayed ? ', replayed' : ''}`, data)
  }

  record.note('status', describeStatus(client.status))
  const stops = [
    watchSending(client, record),
    client.onStatus((status) => record.note('status', describeStatus(status))),
    client.onGap(({ room, reason }) => {
      record.count('gaps')
      record.note('gap', `signals may be missing${inRoom(room)}: ${reason}`)
    }),
    ...rooms.map((room) => client.receiveSignal('*', noteSignal, { room })),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** Wraps the client's `sendSignal`. Calls of a function that was read before the wrapping are not recorded. */
function watchSending(client: SignalClient<AnySignals>, record: SignalRecord): Stop {
  const { sendSignal } = client
  let isWatching = true

  const watched: typeof sendSignal = (name, ...rest) => {
    const sending = sendSignal(name, ...rest)
    if (!isWatching) return sending
    const [data, { room = MAIN } = {}] = rest as [data?: unknown, options?: SendOptions]
    const what = `${name}${inRoom(room)}`
    record.count('sent')
    record.count('waiting')
    record.note('sent', what, data)
    void noteResult(what, sending)
    return sending
  }

  async function noteResult(what: string, sending: Promise<SendResult>): Promise<void> {
    const { outcome, error } = await sending
    if (!isWatching) return
    record.count('waiting', -1)
    record.count(outcome === 'accepted' || outcome === 'sent' ? 'accepted' : 'failed')
    record.note('sent', `${what} is ${outcome}${error ? `: ${error.code}` : ''}`)
  }

  client.sendSignal = watched
  return () => {
    isWatching = false
    // Another wrapper may be in place by now, and still calls this one.
    if (client.sendSignal === watched) client.sendSignal = sendSignal
  }
}

/** Records the refreshes of the page from now on. */
export function watchRefreshes(record: SignalRecord): Stop {
  const listener = (event: Event): void => {
    const { phase, names, coalesced } = (event as CustomEvent<RefreshEventDetail>).detail
    if (phase === 'running') record.count('coalesced', Math.max(coalesced - 1, 0))
    if (phase === 'held') record.count('held')
    record.note('refresh', `${names.join(', ')} ${phase}${coalesced > 1 ? `, for ${coalesced} signals` : ''}`)
  }
  document.addEventListener('signalpost:refresh', listener)
  return () => document.removeEventListener('signalpost:refresh', listener)
}

/** Records where the connection is that the tabs of the browser share. */
export function watchSharing(record: SignalRecord): Stop {
  const note = (): void => {
    const sharing = getSharing()
    if (sharing) record.note('status', describeSharing(sharing))
  }
  note()
  return onSharing(note)
}

function describeSharing({ connection, clients }: Sharing): string {
  if (connection === 'own') return 'the connection is not shared'
  return `${PLACES[connection]} has the connection, clients on it: ${clients}`
}

const PLACES = { 'this-tab': 'this tab', 'other-tab': 'another tab', worker: 'a worker' }

function describeStatus(status: SignalStatus): string {
  switch (status.state) {
    case 'connecting':
      return `connecting, attempt ${status.attempt}`
    case 'online':
      return status.resumed ? 'online again' : 'online'
    case 'waiting':
      return `waiting ${Math.round(status.retryAt - status.since)} ms after attempt ${status.attempt}: ${status.reason}`
    case 'suspended':
    case 'closed':
      return `${status.state}: ${status.reason}`
    case 'idle':
      return 'idle'
  }
}

function inRoom(room: string): string {
  return room === MAIN ? '' : ` in ${room}`
}
