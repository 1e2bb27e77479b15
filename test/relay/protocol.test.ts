import { describe } from 'vitest'
import { startRealRelay } from './protocol/real-relay.js'
import { checkProtocol } from './protocol/suite.js'

describe('the relay', () => {
  checkProtocol(() => startRealRelay())
})
