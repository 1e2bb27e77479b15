import { describe } from 'vitest'
import { checkBehaviour } from './behaviour.js'

describe('the test relay under happy-dom', () => {
  checkBehaviour()
})
