import type { FetchNeeds } from '../../refresh/index.js'
import { untilAborted } from '../lock.js'
import { askForResponse } from './asker.js'
import { holdResponse } from './holder.js'
import type { HolderMessage, Question } from './messages.js'
import { packResponse, type SharedResponse, unpackResponse } from './shared-response.js'

export interface ShareOptions {
  /** Pages with channels of the same name share responses. */
  readonly channel: BroadcastChannel
  readonly needs: FetchNeeds
  /** Makes a request of this page. */
  readonly request: () => Promise<Response>
  /** Aborts when the page has no use for the response any more. */
  readonly signal: AbortSignal
}

/**
 * Returns the response to a request that one of the pages makes: the one that has a Web Lock. The others ask it by a
 * channel, and are next in the queue for the lock: the browser gives it to them if that page closes, crashes or fails.
 */
export function shareResponse({ channel, needs, request, signal }: ShareOptions): Promise<Response> {
  const left = new AbortController()
  const asking = new AbortController()
  let answer: ((question: Question) => void) | undefined

  return new Promise((resolve, reject) => {
    const post = (message: Question | HolderMessage): void => {
      if (!left.signal.aborted) channel.postMessage(message)
    }

    function leave(): void {
      asking.abort()
      left.abort()
      channel.close()
    }

    async function requestOwn(): Promise<SharedResponse> {
      needs.startedAt = performance.now()
      return packResponse(await request())
    }

    function goAlone(): void {
      leave()
      requestOwn().then(unpackResponse).then(resolve, reject)
    }

    function lead(): Promise<void> | undefined {
      // The page has left, or took the lock from another page while it was in the queue.
      if (left.signal.aborted || answer) return undefined
      asking.abort()
      const response = requestOwn()
      response.then(unpackResponse).then(resolve, reject)
      answer = holdResponse({ needs, response, post, release: leave, released: left.signal })
      return untilAborted(left.signal)
    }

    function queueUp(options: LockOptions): void {
      // Another page took the lock of this page, or the browser has no locks here.
      navigator.locks.request(channel.name, options, lead).catch(() => left.signal.aborted || stop())
    }

    /** The request of this page goes on, if there is one. */
    function stop(): void {
      if (answer) leave()
      else goAlone()
    }

    const receive = askForResponse({
      needs,
      post,
      onResponse(response, startedAt) {
        needs.startedAt = startedAt
        leave()
        resolve(unpackResponse(response))
      },
      onSilent() {
        asking.abort()
        queueUp({ steal: true })
      },
      onOutdated: goAlone,
      signal: asking.signal,
    })
    channel.onmessage = ({ data }: MessageEvent<Question | HolderMessage>) => {
      if (data.type === 'question') answer?.(data)
      else if (!answer) receive(data)
    }
    const options = { signal: left.signal }
    const abandon = (): void => {
      leave()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abandon, options)
    // A page in the cache would keep the lock, and answer nothing.
    for (const type of ['pagehide', 'freeze']) globalThis.addEventListener?.(type, stop, { ...options, capture: true })
    queueUp(options)
  })
}
