// @vitest-environment jsdom
import { describe } from 'vitest'
import { checkBehaviour } from './behaviour.js'

describe('the test relay under jsdom', () => {
  checkBehaviour()
})
