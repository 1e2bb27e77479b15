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
  readonly onEvent: (text: string) => void
  /** A stream brings nothing. */
  readonly onBuffered: () => void
  /** The answer was cut, or is an error. */
  readonly onLost: (error?: Response) => void
}

export function createAnswers({ post, onEvent, onBuffered, onLost }: AnswersOptions): Answers {
  let current = new AbortController()
  let heardAt = 0

  async function read(hello: unknown, controller: AbortController, onFirst: () => void): Promise<Response | undefined> {
    const response = await post(hello, controller)
    if (!response.ok) return response
    for await (const text of readEvents(response)) {
      if (controller.signal.aborted) break
      onFirst()
      heardAt = performance.now()
      onEvent(text)
    }
    return undefined
  }

  return {
    async listen(hello, isStream) {
      current.abort()
      const controller = (current = new AbortController())
      const timer = isStream ? setTimeout(onBuffered, STREAM_TIMEOUT) : undefined
      const stopTimer = (): void => clearTimeout(timer)
      controller.signal.addEventListener('abort', stopTimer)
      const error = await read(hello, controller, stopTimer).catch(() => undefined)
      if (controller.signal.aborted) return
      stopTimer()
      onLost(error)
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
