import type { ReceivedSignal, ReceiveOptions, SignalClient, SignalMap, SignalName } from './signals.js'

/**
 * Returns the signals called `name` for `for await`. The stream listens at once, and stores signals that arrive while the
 * loop is busy. It ends with the loop, when `options.signal` aborts, and when the client is closed.
 *
 * @example for await (const { data } of signalStream(client, 'ReportIncome')) show(data)
 */
export function signalStream<
  Sent extends SignalMap,
  Received extends SignalMap,
  Name extends SignalName<Received> | '*',
>(
  client: SignalClient<Sent, Received>,
  name: Name,
  options?: Omit<ReceiveOptions<ReceivedSignal<Received, Name>>, 'once'>,
): AsyncIterableIterator<ReceivedSignal<Received, Name>> {
  type Result = IteratorResult<ReceivedSignal<Received, Name>>
  const abort = options?.signal
  const kept: ReceivedSignal<Received, Name>[] = []
  const waiting: ((result: Result) => void)[] = []
  const finished: Result = { value: undefined, done: true }
  let isDone = false

  const stopReceiving = client.receiveSignal(
    name,
    (_data, signal) => {
      const resolve = waiting.shift()
      if (resolve) resolve({ value: signal, done: false })
      else kept.push(signal)
    },
    options,
  )
  const stopWatching = client.onStatus((status) => {
    if (status.state === 'closed' && status.reason === 'closed-by-page') end()
  })
  abort?.addEventListener('abort', end)
  const { status } = client
  if (abort?.aborted || (status.state === 'closed' && status.reason === 'closed-by-page')) end()

  function end(): void {
    isDone = true
    stopReceiving()
    stopWatching()
    abort?.removeEventListener('abort', end)
    for (const resolve of waiting.splice(0)) resolve(finished)
  }

  return {
    next() {
      const value = kept.shift()
      if (value) return Promise.resolve({ value, done: false })
      if (isDone) return Promise.resolve(finished)
      return new Promise((resolve) => waiting.push(resolve))
    },
    return() {
      kept.length = 0
      end()
      return Promise.resolve(finished)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
