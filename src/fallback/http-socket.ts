import type { Socket, SocketEvents } from '../connection/socket.js'
import * as CloseCode from '../protocol/close-codes.js'
import type { ClientFrame, HelloFrame, RelayFrame, RefusedFrame, SendFrame } from '../protocol/frames.js'
import { createAnswers } from './answers.js'
import { createPostQueue } from './post-queue.js'
import { stringify } from '../protocol/stringify.js'

/** How long the relay may hold an answer that does not stream (ms). */
const HOLD = 25_000
/** How long a request with signals may take (ms): the relay retries for 15 seconds. */
const POST_TIMEOUT = 20_000
/** How much later than announced an event may arrive (ms). */
const BEAT_MARGIN = 5000
/** The wait after a 429 whose `Retry-After` the browser hides (s). */
const RETRY_AFTER = 5

/** The way to the relay, as the sockets of one client have found it. */
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
  /** The refused rooms, and an empty text after a welcome. */
  const answered = new Set<string | undefined>()
  let hello: HelloFrame
  /** How long the relay may hold the next answer (ms): not the one with the welcome or with a fresh room. */
  let wait = 0
  let isHelloDue = false
  /** The rooms of the hello that the relay has not answered. */
  let unanswered = 0
  let terms = { beat: 0, maxBytes: 0 }
  const answers = createAnswers({
    post,
    onEvent,
    onBuffered() {
      route.isBuffered = true
      // The same hello would be too old: the ages in it count from when the client made it.
      events.onHelloNeeded()
    },
    onLost: (error) => (error ? refuse(error) : finish(CloseCode.Abnormal)),
  })
  const queue = createPostQueue({ submit: sendSignals, maxBytes: () => terms.maxBytes })

  function post(body: unknown, { signal }: AbortController): Promise<Response> {
    return fetch(address, { method: 'POST', body: stringify(body), signal })
  }

  /** Says hello again at the end of the task: the hello covers joins, leaves and tokens. */
  function renewHello(): void {
    if (isHelloDue) return
    isHelloDue = true
    wait = 0
    queue.hold()
    queueMicrotask(() => {
      isHelloDue = false
      if (!requests.signal.aborted) events.onHelloNeeded()
    })
  }

  function onEvent(text: string): void {
    const frame = JSON.parse(text) as RelayFrame | CloseEvent
    if (frame.type === 'close') return onLastEvent(frame)
    if (frame.type === 'welcome') terms = frame
    if (frame.type === 'joined' || frame.type === 'refused') unanswered -= 1
    if (!isRepeated(frame)) events.onText(text)
    if (unanswered <= 0 && !isHelloDue) queue.release()
  }

  function onLastEvent({ code, reason }: CloseEvent): void {
    if (code !== CloseCode.Normal) return void finish(code, reason)
    wait = HOLD
    events.onHelloNeeded()
  }

  /** Each answer has a welcome, and refuses the same rooms again: the client wants to know once. */
  function isRepeated(frame: RelayFrame): boolean {
    if (frame.type !== 'welcome' && frame.type !== 'refused') return false
    const subject = frame.type === 'welcome' ? '' : frame.room
    const isKnown = answered.has(subject)
    answered.add(subject)
    return isKnown
  }

  async function sendSignals(signals: readonly SendFrame[]): Promise<boolean> {
    const result = await submit(signals)
    if (!result) return false
    const { accepted, refused } = result
    if (accepted.length > 0) events.onText(stringify({ type: 'accepted', ids: accepted }))
    for (const refusal of refused) events.onText(stringify({ ...refusal, type: 'refused' }))
    return true
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
    if (answers.silence() > terms.beat + BEAT_MARGIN) route.isBuffered = (route.silences += 1) > 1
    else if (await submit([])) events.onText(stringify({ type: 'pong' }))
  }

  async function refuse(response: Response): Promise<void> {
    const { error } = (await response.json().catch(() => ({}))) as { error?: { code: string; text: string } }
    finish(CODES[error?.code ?? ''] ?? CloseCode.Abnormal, error?.text)
  }

  function close(): void {
    requests.abort()
    answers.stop()
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
          unanswered = wait > 0 ? 0 : frame.rooms.length
          if (unanswered > 0) queue.hold()
          return void answers.listen(route.isBuffered ? { ...hello, wait } : hello, !route.isBuffered)
        case 'signal':
          return queue.push(frame)
        case 'ping':
          return void ping()
        case 'token':
          answered.clear()
          return renewHello()
        default:
          answered.delete(frame.room)
          renewHello()
      }
    },
    close,
  }
}
