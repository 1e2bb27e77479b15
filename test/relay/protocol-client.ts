import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import type { JsonValue, RelayFrame, RoomRequest } from '../../src/protocol/frames.js'
import { createRelay, type Relay, type RelayAddress, type RelayOptions } from '../../examples/relay/relay.js'

type FrameOf<Type extends RelayFrame['type']> = Extract<RelayFrame, { type: Type }>

/** A client that says exactly what a test tells it to, and records all that it hears. */
export interface Conversation {
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
  /** Sends a message as it is. */
  write(message: string | Uint8Array): void
  /** Breaks the connection. */
  cut(): void
  /** Sends a signal and gives its id. */
  signal(name: string, data?: JsonValue, room?: string): string
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

/** A conversation over a real socket. */
export interface ProtocolClient extends Conversation {
  readonly socket: WebSocket
}

/** What carries a conversation. */
export interface Wire {
  send(message: string | Uint8Array): void
  cut(): void
}

export interface WireEvents {
  onText(text: string): void
  onClose(code: number, reason: string): void
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
  sayHello(client, { rooms, token })
  return client
}

/** Says the first frame, unless `rooms` is `null`. */
export function sayHello(
  { say, secret }: Conversation,
  { rooms = ['main'], token }: { rooms?: ConnectOptions['rooms']; token?: string | undefined } = {},
): void {
  const requests = rooms?.map((room) => (typeof room === 'string' ? { room } : room))
  if (requests) say({ type: 'hello', v: 1, tab: secret, rooms: requests, ...(token !== undefined && { token }) })
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
  const conversation = converse(({ onText, onClose }) => {
    socket.on('error', () => {})
    socket.on('message', (bytes: Buffer) => onText(bytes.toString()))
    socket.on('close', (code, reason) => onClose(code, reason.toString()))
    return { send: (message) => socket.send(message), cut: () => socket.terminate() }
  })
  return { socket, ...conversation }
}

/** Has a conversation over any wire. */
export function converse(open: (events: WireEvents) => Wire): Conversation {
  const frames: RelayFrame[] = []
  const secret = pageId()
  const watchers = new Set<() => void>()
  let cursor = 0
  let ending: { code: number; reason: string } | undefined

  let settle: ((end: { code: number; reason: string }) => void) | undefined
  const closed = new Promise<{ code: number; reason: string }>((resolve) => (settle = resolve))
  const wire = open({
    onText(text) {
      // The relay under test is trusted to say JSON; what it says is what the tests compare.
      frames.push(JSON.parse(text) as RelayFrame)
      notify()
    },
    onClose(code, reason) {
      ending = { code, reason }
      settle?.(ending)
      notify()
    },
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
  const say: Conversation['say'] = (frame) => wire.send(JSON.stringify(frame))

  return {
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
    write: wire.send,
    cut: wire.cut,
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
