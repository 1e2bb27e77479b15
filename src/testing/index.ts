export { createTestRelay, type SentSignal, type TestRelay, type TestRelayOptions } from './test-relay.js'
