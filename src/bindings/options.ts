import type {
  ReceivedSignal,
  ReceiveOptions,
  RegisteredSignals,
  SignalClient,
  SignalMap,
  SignalName,
} from '../signals.js'
import type { StatusOptions } from '../status.js'

/** What `receiveSignal` takes, and the client. */
export interface UseSignalOptions<
  Name extends SignalName<Received> | '*' = '*',
  Received extends SignalMap = RegisteredSignals,
> extends ReceiveOptions<ReceivedSignal<Received, Name>> {
  /** Whose signals; its map then types the call. @default the provided client, else the page's */
  readonly client?: SignalClient<never, Received> | undefined
}

/** A client, whatever its map of signals. */
export type AnyClient = Omit<SignalClient, 'sendSignal' | 'receiveSignal'>

/** What `onSignalStatus` takes, and the client. */
export interface UseSignalStatusOptions extends StatusOptions {
  /** Whose status. @default the provided client, else the page's */
  readonly client?: AnyClient | undefined
}

export interface UseSendSignalOptions<Sent extends SignalMap = RegisteredSignals, Received extends SignalMap = Sent> {
  /** Who sends; its map then types the function. @default the provided client, else the page's */
  readonly client?: SignalClient<Sent, Received> | undefined
}
