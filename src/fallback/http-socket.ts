import type { Socket, SocketEvents } from '../connection/socket.js'
import * as CloseCode from '../protocol/close-codes.js'
import type { ClientFrame, HelloFrame, RelayFrame, RefusedFrame, SendFrame } from '../protocol/frames.js'
import { stringify } from '../protocol/stringify.js'

/** How long the first event of a stream may take (ms): a proxy that buffers holds it back. */
const STREAM_TIMEOUT = 2500
/** How long the relay may hold an answer that does not stream (ms). */
const HOLD = 25_000
/** How long a request with signals may take (ms): the relay retries for 15 seconds. */
const POST_TIMEOUT = 20_000
/** How much later than announced an event may arrive (ms). */
const BEAT_MARGIN = 5000
/** The wait after an answer that asks for one, where the browser hides for how long (s). */
const RETRY_AFTER = 5

/** What the sockets of one client learn of the way to the relay. */
export interface HttpRoute {
  /** Whether a proxy holds answers back until they end. */
  isBuffered: boolean
  /** How many streams fell silent after their first events. */
  silences: number
}

/** The last event of an answer, which has the code and the reason of a close frame. */
interface CloseEvent {
  readonly type: 'close'
  readonly code: number
  readonly reason: string
}

interface Answer {
  readonly accepted: readonly string[]
  readonly refused: readonly Omit<RefusedFrame, 'type'>[]
}

/** The close codes that stand for errors of the relay. Errors of proxies have no such codes. */
const CODES: { readonly [error: string]: number } = {
  origin: CloseCode.Forbidden,
  unauthorized: CloseCode.Unauthorized,
  restart: CloseCode.Restart,
  unavailable: CloseCode.Restart,
  busy: CloseCode.TooMany,
  'too-many': CloseCode.TooMany,
  'too-fast': CloseCode.TooMany,
  'address-connections': CloseCode.TooMany,
}

/**
 * Opens a socket on HTTP requests. The answer to a hello is a stream of frames, or ends with the first news where a proxy
 * buffers. Signals go out as POST requests, one at a time, which any relay of the same log may answer.
 */
export function openHttpSocket(url: string, events: SocketEvents, route: HttpRoute): Socket {
  const address = url.replace('ws', 'http')
  const requests = new AbortController()
  const outgoing: SendFrame[] = []
  const refusedRooms = new Set<string | undefined>()
  let hello: HelloFrame
  let answer = new AbortController()
  /** How long the relay may hold the next answer (ms): not the one with the welcome or with a fresh room. */
  let wait = 0
  let isWelcomeWanted = true
  let isHelloDue = false
  let isPosting = false
  let maxBytes = 0
  let silentAt = Infinity
  let beat = 0

  function post(body: unknown, { signal }: AbortController): Promise<Response> {
    return fetch(address, { method: 'POST', body: stringify(body), signal })
  }

  /** Says hello again at the end of the task: the hello covers joins, leaves and tokens. */
  function renewHello(): void {
    if (isHelloDue) return
    isHelloDue = true
    wait = 0
    queueMicrotask(() => {
      isHelloDue = false
      if (!requests.signal.aborted) events.onHelloNeeded()
    })
  }

  async function listen(): Promise<void> {
    answer.abort()
    const controller = (answer = new AbortController())
    const timer = route.isBuffered ? undefined : setTimeout(onBuffered, STREAM_TIMEOUT)
    controller.signal.addEventListener('abort', () => clearTimeout(timer))
    try {
      const response = await post({ ...hello, wait: route.isBuffered ? wait : undefined }, controller)
      if (!response.ok) return await refuse(response)
      for await (const text of readEvents(response)) {
        if (controller.signal.aborted) return
        clearTimeout(timer)
        onEvent(text)
      }
    } catch {
      // A broken connection is one that ended without its last event.
    }
    if (!controller.signal.aborted) finish(CloseCode.Abnormal)
  }

  /** The same hello would be too old: the ages in it count from when the client made it. */
  function onBuffered(): void {
    route.isBuffered = true
    events.onHelloNeeded()
  }

  function onEvent(text: string): void {
    silentAt = performance.now() + beat + BEAT_MARGIN
    const frame = JSON.parse(text) as RelayFrame | CloseEvent
    switch (frame.type) {
      case 'close':
        if (frame.code !== CloseCode.Normal) return finish(frame.code, frame.reason)
        wait = HOLD
        return events.onHelloNeeded()
      case 'welcome':
        ;({ beat, maxBytes } = frame)
        if (!isWelcomeWanted) return
        isWelcomeWanted = false
        break
      case 'refused':
        // Each hello asks for the room again.
        if (refusedRooms.has(frame.room)) return
        refusedRooms.add(frame.room)
    }
    events.onText(text)
  }

  /** Sends the waiting signals in order: a request begins when the one before has been answered. */
  async function sendSignals(): Promise<void> {
    if (isPosting) return
    isPosting = true
    while (outgoing.length > 0) {
      const result = await submit(takeBatch())
      if (!result) return
      const { accepted, refused } = result
      if (accepted.length > 0) events.onText(stringify({ type: 'accepted', ids: accepted }))
      for (const refusal of refused) events.onText(stringify({ ...refusal, type: 'refused' }))
    }
    isPosting = false
  }

  /** Takes as many signals as fit into one request, and at least one. */
  function takeBatch(): SendFrame[] {
    let size = 0
    const count = outgoing.findIndex((frame, index) => {
      // A character takes up to three bytes.
      size += 3 * stringify(frame).length
      return index > 0 && size > maxBytes
    })
    return outgoing.splice(0, count < 0 ? outgoing.length : count)
  }

  async function submit(signals: readonly SendFrame[]): Promise<Answer | undefined> {
    const timer = setTimeout(finish, POST_TIMEOUT, CloseCode.Abnormal)
    try {
      const { v, tab, token } = hello
      const response = await post({ v, tab, token, signals }, requests)
      if (response.ok) return (await response.json()) as Answer
      if (response.status !== 429) return void (await refuse(response))
      const seconds = Number(response.headers.get('retry-after')) || RETRY_AFTER
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds))
    } catch {
      return finish(CloseCode.Abnormal)
    } finally {
      clearTimeout(timer)
    }
    return requests.signal.aborted ? undefined : submit(signals)
  }

  /** A request that is answered proves one direction only: the answer to the hello must not be silent. */
  async function ping(): Promise<void> {
    if (performance.now() > silentAt) route.isBuffered = (route.silences += 1) > 1
    else if (await submit([])) events.onText(stringify({ type: 'pong' }))
  }

  async function refuse(response: Response): Promise<void> {
    const { error } = (await response.json().catch(() => ({}))) as { error?: { code: string; text: string } }
    finish(CODES[error?.code ?? ''] ?? CloseCode.Abnormal, error?.text)
  }

  function close(): void {
    requests.abort()
    answer.abort()
  }

  function finish(code: number, reason = ''): undefined {
    if (requests.signal.aborted) return
    close()
    events.onClose(code, reason)
  }

  queueMicrotask(() => requests.signal.aborted || events.onOpen())
  return {
    send(text) {
      const frame = JSON.parse(text) as ClientFrame
      switch (frame.type) {
        case 'hello':
          hello = frame
          return void listen()
        case 'signal':
          outgoing.push(frame)
          return void sendSignals()
        case 'ping':
          return void ping()
        case 'token':
          isWelcomeWanted = true
          refusedRooms.clear()
          return renewHello()
        default:
          refusedRooms.delete(frame.room)
          renewHello()
      }
    },
    close,
  }
}

/** Reads the data of the events of an answer. Other texts, such as a page of a proxy, have none. */
async function* readEvents({ body }: Response): AsyncGenerator<string> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const lines = (rest + read.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice(6)
  }
}
