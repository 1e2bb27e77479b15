import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import type { JsonValue, RelayFrame, RoomRequest } from '../../src/protocol/frames.js'
import { createRelay, type Relay, type RelayAddress, type RelayOptions } from '../../examples/relay/relay.js'

type FrameOf<Type extends RelayFrame['type']> = Extract<RelayFrame, { type: Type }>

/** A client that says exactly what a test tells it to, and records all that it hears. */
export interface ProtocolClient {
  readonly socket: WebSocket
  /** Everything that was heard, in order. */
  readonly frames: RelayFrame[]
  readonly secret: string
  /** Resolves with the next frame of a type that was not asked for yet; frames between are passed over. */
  next<Type extends RelayFrame['type']>(type: Type): Promise<FrameOf<Type>>
  /** The signals that were heard so far. */
  signals(): FrameOf<'signal'>[]
  /** Resolves when so many signals were heard. */
  heard(count: number): Promise<FrameOf<'signal'>[]>
  /** Resolves when the relay has handled everything that was sent before. */
  level(): Promise<void>
  say(frame: Readonly<Record<string, unknown>>): void
  /** Sends a signal and gives its id. */
  signal(name: string, data?: JsonValue, room?: string): string
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export interface ConnectOptions {
  /** Rooms to say hello with; `null` says no hello. */
  readonly rooms?: readonly (string | RoomRequest)[] | null
  readonly token?: string
  readonly origin?: string | null
  readonly options?: ClientOptions
}

/** Starts a relay on a free port; it is closed when the test is over. */
export async function startRelay(options: RelayOptions = {}): Promise<{ relay: Relay } & RelayAddress> {
  const relay = createRelay({ port: 0, ...options })
  onTestFinished(() => relay.close())
  return { relay, ...(await relay.listen()) }
}

export async function connect(
  url: string,
  { rooms = ['main'], token, origin = 'http://localhost:8080', options = {} }: ConnectOptions = {},
): Promise<ProtocolClient> {
  const socket = new WebSocket(url, { ...options, ...(origin !== null && { origin }) })
  onTestFinished(() => socket.terminate())
  const client = listen(socket)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  if (rooms === null) return client
  const requests = rooms.map((room) => (typeof room === 'string' ? { room } : room))
  client.say({ type: 'hello', v: 1, tab: client.secret, rooms: requests, ...(token !== undefined && { token }) })
  return client
}

/** Connects, and is in its rooms. */
export async function join(url: string, ...rooms: readonly string[]): Promise<ProtocolClient> {
  const client = await connect(url, { rooms: rooms.length > 0 ? rooms : ['main'] })
  for (const _ of rooms.length > 0 ? rooms : ['main']) await client.next('joined')
  return client
}

/** 128 random bits, as a page makes its ids. */
export function pageId(): string {
  return randomBytes(16).toString('base64url')
}

function listen(socket: WebSocket): ProtocolClient {
  const frames: RelayFrame[] = []
  const secret = pageId()
  const watchers = new Set<() => void>()
  let cursor = 0
  let ending: { code: number; reason: string } | undefined

  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      ending = { code, reason: reason.toString() }
      resolve(ending)
      notify()
    })
  })
  socket.on('error', () => {})
  socket.on('message', (bytes: Buffer) => {
    // The relay under test is trusted to say JSON; what it says is what the tests compare.
    frames.push(JSON.parse(bytes.toString()) as RelayFrame)
    notify()
  })

  function notify(): void {
    for (const watcher of watchers) watcher()
  }

  function until<Result>(wanted: string, look: () => Result | undefined): Promise<Result> {
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        const found = look()
        if (found === undefined && !ending) return
        watchers.delete(watcher)
        if (found !== undefined) resolve(found)
        else reject(new Error(`Closed with ${ending?.code} ${ending?.reason} before ${wanted}`))
      }
      watchers.add(watcher)
      watcher()
    })
  }

  function next<Type extends RelayFrame['type']>(type: Type): Promise<FrameOf<Type>> {
    return until(type, () => {
      const index = frames.findIndex((frame, index) => index >= cursor && frame.type === type)
      if (index < 0) return undefined
      cursor = index + 1
      return frames[index] as FrameOf<Type>
    })
  }

  const signals = (): FrameOf<'signal'>[] => frames.filter((frame) => frame.type === 'signal')
  const say: ProtocolClient['say'] = (frame) => socket.send(JSON.stringify(frame))

  return {
    socket,
    frames,
    secret,
    next,
    signals,
    heard: (count) => until(`${count} signals`, () => (signals().length >= count ? signals() : undefined)),
    async level() {
      // A room with an illegal name is refused in its turn, after everything that came before.
      const mark = `?${pageId()}`
      say({ type: 'join', room: mark })
      await until('a refusal', () => frames.find((frame) => frame.type === 'refused' && frame.room === mark))
    },
    say,
    signal(name, data, room) {
      const id = pageId()
      say({
        type: 'signal',
        id,
        signal: name,
        ...(data !== undefined && { data }),
        ...(room !== undefined && { room }),
      })
      return id
    },
    closed,
  }
}
