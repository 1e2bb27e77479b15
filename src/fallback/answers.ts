/** How long the first event of a stream may take (ms): a proxy that buffers holds it back. */
const STREAM_TIMEOUT = 2500

/** The answers to the hellos of a socket. A new hello drops the answer to the one before. */
export interface Answers {
  /** Sends a hello, and reports the events of its answer. */
  listen(hello: unknown, isStream: boolean): Promise<void>
  /** Returns how long there has been no event (ms). */
  silence(): number
  stop(): void
}

export interface AnswersOptions {
  readonly post: (body: unknown, controller: AbortController) => Promise<Response>
  /** Returns whether this is the last event of the answer. */
  readonly onEvent: (text: string) => boolean
  /** A stream brings nothing. */
  readonly onBuffered: () => void
  /** The answer was cut, or is an error. */
  readonly onLost: (error?: Response) => void
}

export function createAnswers({ post, onEvent, onBuffered, onLost }: AnswersOptions): Answers {
  let current = new AbortController()
  let heardAt = 0

  /** Reads an answer to its end. Returns an error of the relay, or whether the last event came. */
  async function read(hello: unknown, controller: AbortController, onFirst: () => void): Promise<Response | boolean> {
    const response = await post(hello, controller)
    if (!response.ok) return response
    let isComplete = false
    for await (const text of readEvents(response)) {
      if (controller.signal.aborted) break
      onFirst()
      heardAt = performance.now()
      isComplete = onEvent(text)
    }
    return isComplete
  }

  return {
    async listen(hello, isStream) {
      current.abort()
      const controller = (current = new AbortController())
      const timer = isStream ? setTimeout(onBuffered, STREAM_TIMEOUT) : undefined
      const stopTimer = (): void => clearTimeout(timer)
      controller.signal.addEventListener('abort', stopTimer)
      const result = await read(hello, controller, stopTimer).catch(() => false)
      if (controller.signal.aborted) return
      stopTimer()
      if (result !== true) onLost(result || undefined)
    },
    silence: () => performance.now() - heardAt,
    stop: () => current.abort(),
  }
}

/** Reads the data of the events of an answer. Other texts, such as a page of a proxy, have none. */
async function* readEvents({ body }: Response): AsyncGenerator<string> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const lines = (rest + next.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice(6)
  }
}
