export {
  createTestRelay,
  type PublishOptions,
  type SentSignal,
  type TestRelay,
  type TestRelayOptions,
} from './test-relay.js'
