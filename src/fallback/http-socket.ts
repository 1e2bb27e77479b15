import { isHidden } from '../connection/lifecycle.js'
import type { Socket, SocketEvents } from '../connection/socket.js'
import * as CloseCode from '../protocol/close-codes.js'
import type { ClientFrame, HelloFrame, RelayFrame, RefusedFrame, SendFrame } from '../protocol/frames.js'
import { createAnswers } from './answers.js'
import { createPostQueue } from './post-queue.js'
import { stringify } from '../protocol/stringify.js'

/** How often a hidden page asks for news (ms). */
const HIDDEN_PAUSE = 15_000
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

/** The close codes for errors of the relay after which a client does not come back unchanged. */
const FINAL_CODES: { readonly [error: string]: number } = {
  origin: CloseCode.Forbidden,
  unauthorized: CloseCode.Unauthorized,
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
  /** The rooms of the hello that the relay has not answered; infinite if the hello is not sent yet. */
  let unanswered = 0
  let timer: ReturnType<typeof setTimeout> | undefined
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

  /** Says hello again, at once or after a pause (ms). */
  function renewHello(pause = 0): void {
    clearTimeout(timer)
    timer = setTimeout(events.onHelloNeeded, pause)
  }

  /** Says a hello that covers joins, leaves and a token. */
  function renewRooms(): void {
    unanswered = Infinity
    wait = 0
    queue.hold()
    renewHello()
  }

  function listen(): void {
    const isStream = !route.isBuffered && !isHidden()
    void answers.listen(isStream ? hello : { ...hello, wait }, isStream)
  }

  function onEvent(text: string): boolean {
    const frame = JSON.parse(text) as RelayFrame | CloseEvent
    if (frame.type === 'close') {
      onLastEvent(frame)
      return true
    }
    if (frame.type === 'welcome') terms = frame
    if (frame.type === 'joined' || frame.type === 'refused') unanswered -= 1
    if (!isRepeated(frame)) events.onText(text)
    if (unanswered <= 0) queue.release()
    return false
  }

  function onLastEvent({ code, reason }: CloseEvent): void {
    if (code !== CloseCode.Normal) return void finish(code, reason)
    // A hello that is due anyway must not wait.
    if (unanswered === Infinity) return
    wait = isHidden() ? 0 : terms.beat
    renewHello(isHidden() ? HIDDEN_PAUSE : 0)
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
    const timeout = setTimeout(finish, POST_TIMEOUT, CloseCode.Abnormal)
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
      clearTimeout(timeout)
    }
    return requests.signal.aborted ? undefined : submit(signals)
  }

  /** A request that is answered proves one direction only: the answer to the hello must not be silent. */
  async function ping(): Promise<void> {
    if (isHidden()) renewHello()
    else if (answers.silence() > terms.beat + BEAT_MARGIN) route.isBuffered ||= (route.silences += 1) > 1
    else if (await submit([])) events.onText(stringify({ type: 'pong' }))
  }

  /** Errors of proxies have no code of the relay. */
  async function refuse(response: Response): Promise<void> {
    const { error } = (await response.json().catch(() => ({}))) as { error?: { code: string; text: string } }
    const temporary = response.status === 429 ? CloseCode.TooMany : CloseCode.Restart
    finish(error ? (FINAL_CODES[error.code] ?? temporary) : CloseCode.Abnormal, error?.text)
  }

  function close(): void {
    clearTimeout(timer)
    requests.abort()
    answers.stop()
  }

  function finish(code: number, reason = ''): undefined {
    if (requests.signal.aborted) return
    close()
    events.onClose(code, reason)
  }

  // Browsers open six connections to a host, in all tabs: hidden pages hold none.
  globalThis.document?.addEventListener('visibilitychange', () => renewRooms(), { signal: requests.signal })
  queueMicrotask(() => requests.signal.aborted || events.onOpen())
  return {
    send(text) {
      const frame = JSON.parse(text) as ClientFrame
      switch (frame.type) {
        case 'hello':
          clearTimeout(timer)
          hello = frame
          unanswered = wait > 0 ? 0 : frame.rooms.length
          if (unanswered > 0) queue.hold()
          return listen()
        case 'signal':
          return queue.push(frame)
        case 'ping':
          return void ping()
        case 'token':
          answered.clear()
          return renewRooms()
        default:
          answered.delete(frame.room)
          renewRooms()
      }
    },
    close,
  }
}
