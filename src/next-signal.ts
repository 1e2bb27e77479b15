import { SignalError } from './errors.js'
import type { ReceivedSignal, ReceiveOptions, SignalClient, SignalMap, SignalName } from './signals.js'

/**
 * Waits for one signal.
 *
 * @returns the signal; rejects with the reason of `options.signal` when it aborts, or with SignalError `closed` when the
 * client is closed first.
 * @example const { data } = await nextSignal(client, 'ReportIncome', { signal: AbortSignal.timeout(5000) })
 */
export function nextSignal<Sent extends SignalMap, Received extends SignalMap, Name extends SignalName<Received> | '*'>(
  client: SignalClient<Sent, Received>,
  name: Name,
  options?: Omit<ReceiveOptions<ReceivedSignal<Received, Name>>, 'once'>,
): Promise<ReceivedSignal<Received, Name>> {
  return new Promise((resolve, reject) => {
    const abort = options?.signal
    const end = (): void => {
      stopReceiving()
      stopWatching()
      abort?.removeEventListener('abort', fail)
    }
    const fail = (): void => {
      end()
      reject(
        abort?.aborted ? (abort.reason as Error) : new SignalError('closed', 'The client was closed while waiting.'),
      )
    }
    const stopReceiving = client.receiveSignal(
      name,
      (_data, signal) => {
        end()
        resolve(signal)
      },
      options,
    )
    const stopWatching = client.onStatus((status) => {
      if (status.state === 'closed' && status.reason === 'closed-by-page') fail()
    })
    abort?.addEventListener('abort', fail)
    const { status } = client
    if (abort?.aborted || (status.state === 'closed' && status.reason === 'closed-by-page')) fail()
  })
}
