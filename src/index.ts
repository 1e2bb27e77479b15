export { createSignalClient } from './client.js'
export type { ClientOptions } from './client-options.js'
export type { OpenTransport, Transport, TransportEvents, TransportSettings } from './connection/transport.js'
export {
  type ContractInput,
  type ContractOutput,
  defineSignals,
  type SignalContract,
  type StandardSchema,
} from './contract.js'
export { isSignalError, SignalError, type SignalErrorCode } from './errors.js'
export { nextSignal } from './next-signal.js'
export { getPageClient, onPageClient, onSignalStatus, receiveSignal, sendSignal, setPageClient } from './page-client.js'
export type { JsonValue, RelayFrame, RoomRequest, Sender } from './protocol/frames.js'
export { signalStream } from './signal-stream.js'
export type {
  AnySignals,
  DataOf,
  Gap,
  Jsonify,
  JsonifyMap,
  ReceivedSignal,
  ReceiveOptions,
  RegisteredSignals,
  SendArguments,
  SendOptions,
  SendOutcome,
  SendResult,
  Signal,
  SignalClient,
  SignalHandler,
  SignalMap,
  SignalName,
  SignalRegistry,
  Stop,
  Token,
} from './signals.js'
export type { CloseReason, SignalStatus, StatusListener, StatusOptions } from './status.js'
