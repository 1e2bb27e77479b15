import { WebSocket } from 'ws'
import type { RelayFrame } from '../../src/protocol/frames.js'
import { createId } from '../../src/protocol/id.js'
import type { TraceRecord, Place } from './counters.js'

/** Sees the log of the relay itself, over a connection that no fault touches. */
export interface Observer extends Pick<TraceRecord, 'logged' | 'epochs'> {
  /** Watches the present run of the relay, from its first entry on. */
  watch(port: number, runNumber: number): Promise<void>
  /** The newest place of a room. */
  head(room: string): Place | undefined
  close(): void
}

export function createObserver(rooms: readonly string[], token?: string): Observer {
  const logged = new Map<string, Place[]>()
  const epochs = new Map<string, { epoch: string; runNumber: number }[]>()
  const heads = new Map<string, Place>()
  let socket: WebSocket | undefined

  function onFrame(frame: RelayFrame, runNumber: number): void {
    if (frame.type === 'joined') begin(frame.room, frame.epoch, runNumber)
    else if (frame.type === 'signal') note(frame.room, frame.id, frame.offset)
  }

  function begin(room: string, epoch: string, runNumber: number): void {
    const list = epochs.get(room) ?? []
    list.push({ epoch, runNumber })
    epochs.set(room, list)
    heads.set(room, { epoch, offset: 0 })
  }

  function note(room: string, id: string, offset: number): void {
    const head = heads.get(room)
    if (!head || offset !== head.offset + 1) throw new Error('The observer missed an entry of the log.')
    const place = { epoch: head.epoch, offset }
    heads.set(room, place)
    logged.set(id, [...(logged.get(id) ?? []), place])
  }

  return {
    logged,
    epochs,
    head: (room) => heads.get(room),
    async watch(port, runNumber) {
      const watched = new WebSocket(`ws://127.0.0.1:${port}/signals`)
      socket = watched
      watched.on('error', () => {})
      const waiting = new Set(rooms)
      await new Promise<void>((resolve, reject) => {
        watched.once('close', () => reject(new Error('The relay ended the connection of the observer.')))
        watched.on('message', (bytes) => {
          const frame = JSON.parse(String(bytes)) as RelayFrame
          onFrame(frame, runNumber)
          if (frame.type === 'joined' && waiting.delete(frame.room) && waiting.size === 0) resolve()
        })
        watched.once('open', () => {
          const requests = rooms.map((room) => ({ room, since: { age: WHOLE_LIFE } }))
          watched.send(JSON.stringify({ type: 'hello', v: 1, tab: createId(), token, rooms: requests }))
        })
      })
    },
    close: () => socket?.terminate(),
  }
}

/** Longer than any run, so that a new run is seen from its first entry on. */
const WHOLE_LIFE = 600_000
