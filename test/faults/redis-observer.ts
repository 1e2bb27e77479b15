import { Redis } from 'ioredis'
import type { Place } from './counters.js'
import type { Observer } from './observer.js'

/** Sees the log in Redis itself, past all relays: by its news, and by looking, because news may be lost. */
export function createRedisObserver(rooms: readonly string[], port: number, runNumber: () => number): Observer {
  const logged = new Map<string, Place[]>()
  const epochs = new Map<string, { epoch: string; runNumber: number }[]>()
  const heads = new Map<string, Place>()
  const seen = new Set<string>()
  let clients: Redis[] = []
  let looking: NodeJS.Timeout | undefined

  function begin(room: string, epoch: string, base: number): void {
    if (heads.get(room)?.epoch === epoch) return
    const list = epochs.get(room) ?? []
    if (list.some((known) => known.epoch === epoch)) return
    list.push({ epoch, runNumber: runNumber() })
    epochs.set(room, list)
    heads.set(room, { epoch, offset: base })
  }

  function note(room: string, epoch: string, offset: number, id: string): void {
    const key = `${room} ${epoch} ${offset}`
    if (seen.has(key)) return
    seen.add(key)
    logged.set(id, [...(logged.get(id) ?? []), { epoch, offset }])
    const head = heads.get(room)
    if (head?.epoch === epoch && head.offset < offset) heads.set(room, { epoch, offset })
  }

  async function look(client: Redis, room: string): Promise<void> {
    const key = `signalpost:{${room}}`
    const from = heads.get(room)?.offset ?? 0
    const answer = await client
      .multi()
      .hmget(`${key}:room`, 'epoch', 'base')
      .xrange(`${key}:log`, `${from + 1}-0`, '+')
      .exec()
    // The forms in which Redis answers these.
    const [[, meta], [, entries]] = answer as unknown as [[null, [string | null, string]], [null, [string, string[]][]]]
    const [epoch, base] = meta
    if (epoch === null) return
    const isNew = heads.get(room)?.epoch !== epoch
    begin(room, epoch, Number(base))
    // What was carried over belongs to the epoch before.
    if (isNew && from > Number(base)) return look(client, room)
    for (const [entry, [, id = '']] of entries) {
      const offset = Number.parseInt(entry, 10)
      if (offset > Number(base)) note(room, epoch, offset, id)
    }
  }

  function close(): void {
    clearInterval(looking)
    for (const client of clients) client.disconnect()
    clients = []
  }

  return {
    logged,
    epochs,
    head: (room) => heads.get(room),
    close,

    async watch() {
      close()
      const options = { port, lazyConnect: true, retryStrategy: null, disableClientInfo: true, protocol: 2 as const }
      const [client, listener] = [new Redis(options), new Redis(options)]
      clients = [client, listener]
      for (const each of clients) each.on('error', () => {})
      await Promise.all(clients.map((each) => each.connect()))
      listener.on('message', (channel: string, text: string) => {
        const room = channel.slice(channel.indexOf('{') + 1, -1)
        const [epoch = '', head = '', , list = ''] = text.split(' ', 4)
        const ids = list.split(',')
        const base = Number(head) - ids.length
        begin(room, epoch, base)
        for (const [index, id] of ids.entries()) note(room, epoch, base + 1 + index, id)
      })
      await listener.subscribe(...rooms.map((room) => `signalpost:0:{${room}}`))
      for (const room of rooms) await look(client, room)
      looking = setInterval(() => {
        for (const room of rooms) look(client, room).catch(() => {})
      }, 100)
    },
  }
}
