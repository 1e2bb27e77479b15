import { Server, WebSocket as MockWebSocket } from 'mock-socket'
import { SignalError } from '../errors.js'
import * as CloseCode from '../protocol/close-codes.js'
import type { Stop } from '../signals.js'

/** One connection, as the relay sees it. */
export interface Line {
  send(text: string): void
  /** Ends it after what was sent before. From now on nothing is heard and nothing sent. */
  close(code: number, reason: string): void
  /** Breaks it at once: what is on its way is lost. */
  cut(): void
}

export interface LineEvents {
  onMessage(data: unknown): void
  /** Told once, whoever ended it. */
  onEnd(): void
}

/** A close code, and a reason. */
export interface Refusal {
  readonly code: number
  readonly reason: string
}

export interface ListenOptions {
  readonly url: string
  /** How late the relay is heard, in milliseconds. */
  readonly delay: () => number
  /** How a new connection ends at once, if it is to. */
  readonly refusal: () => Refusal | undefined
  readonly accept: (line: Line) => LineEvents
}

/** How long mock-socket takes to carry a message to the relay, in milliseconds. */
export const TRANSIT = 4

let listening = 0
let original: typeof WebSocket | undefined

/**
 * Takes connections at an address. As long as anybody listens, pages get mock-socket's WebSocket instead of their own.
 *
 * @throws SignalError `bad-url` where somebody listens already.
 */
export function listen({ url, delay, refusal, accept }: ListenOptions): Stop {
  const server = openServer(url)
  if (listening++ === 0) original = replaceWebSocket(MockWebSocket as unknown as typeof WebSocket)

  server.on('connection', (socket) => {
    const refused = refusal()
    if (refused) return socket.close({ ...refused, wasClean: true })
    let isOver = false
    let waiting = 0
    let dueAt = 0

    /** What is late holds up what comes after it. */
    function inTurn(act: () => void): void {
      const now = performance.now()
      dueAt = Math.max(dueAt, now + delay())
      if (waiting === 0 && dueAt <= now) return act()
      waiting += 1
      setTimeout(() => {
        waiting -= 1
        act()
      }, dueAt - now)
    }

    function end(): void {
      if (isOver) return
      isOver = true
      events.onEnd()
    }

    function close(code: number, reason: string): void {
      if (socket.readyState === MockWebSocket.OPEN) socket.close({ code, reason, wasClean: true })
    }

    const events = accept({
      send(text) {
        if (isOver) return
        inTurn(() => socket.readyState === MockWebSocket.OPEN && socket.send(text))
      },
      close(code, reason) {
        if (isOver) return
        inTurn(() => close(code, reason))
        end()
      },
      cut() {
        close(CloseCode.Abnormal, '')
        end()
      },
    })
    // mock-socket hands on what is sent after the end, too.
    socket.on('message', (data) => isOver || events.onMessage(data))
    socket.on('close', end)
  })

  return () => {
    // Its close() would end every socket at once, without a word before it.
    server.stop()
    if (--listening === 0) replaceWebSocket(original)
  }
}

function openServer(url: string): Server {
  try {
    // By itself it would put back a WebSocket that another server had put there.
    return new Server(url, { mock: false })
  } catch (cause) {
    throw new SignalError('bad-url', 'A test relay listens there already: close() it after each test.', cause)
  }
}

/** Returns the one that was there. */
function replaceWebSocket(replacement: typeof WebSocket | undefined): typeof WebSocket | undefined {
  const before = globalThis.WebSocket
  // There may have been none, whatever the types say.
  globalThis.WebSocket = replacement as typeof WebSocket
  return before
}
