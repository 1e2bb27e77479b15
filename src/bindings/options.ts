import type {
  JsonifyMap,
  ReceivedSignal,
  ReceiveOptions,
  RegisteredSignals,
  SignalClient,
  SignalMap,
  SignalName,
} from '../signals.js'
import type { StatusOptions } from '../status.js'

/** The options of `receiveSignal`, and the client. */
export interface UseSignalOptions<
  Name extends SignalName<Received> | '*' = '*',
  Received extends SignalMap = JsonifyMap<RegisteredSignals>,
> extends ReceiveOptions<ReceivedSignal<Received, Name>> {
  /** The client, whose map types the call. @default the provided client, else the page's */
  readonly client?: SignalClient<never, Received> | undefined
}

/** A client, whatever its map of signals. */
export type AnyClient = Omit<SignalClient, 'sendSignal' | 'receiveSignal'>

/** The options of `onSignalStatus`, and the client. */
export interface UseSignalStatusOptions extends StatusOptions {
  /** The client. @default the provided client, else the page's */
  readonly client?: AnyClient | undefined
}

export interface UseSendSignalOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
> {
  /** The client, whose map types the function. @default the provided client, else the page's */
  readonly client?: SignalClient<Sent, Received> | undefined
}
