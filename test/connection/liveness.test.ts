import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Liveness, watchLiveness } from '../../src/connection/liveness.js'

let liveness: Liveness
let told: string[]

beforeEach(() => {
  vi.useFakeTimers()
  told = []
  liveness = watchLiveness({
    beat: 25_000,
    ping: () => told.push('ping'),
    onDead: () => told.push('dead'),
  })
})

afterEach(() => {
  liveness.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** The clock leaps and no timer fires, as in a tab that is throttled or on a machine that sleeps. */
function stall(milliseconds: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds)
}

describe('a connection', () => {
  it('P7.4 is pinged when the relay was silent for longer than its beat, and dead when nothing arrives', () => {
    vi.advanceTimersByTime(27_400)
    expect(told).toEqual([])
    vi.advanceTimersByTime(200)
    expect(told).toEqual(['ping'])
    vi.advanceTimersByTime(1800)
    expect(told).toEqual(['ping'])
    vi.advanceTimersByTime(200)
    expect(told).toEqual(['ping', 'dead'])
  })

  it('stays alive without a ping as long as data arrives', () => {
    for (let beat = 0; beat < 10; beat += 1) {
      vi.advanceTimersByTime(25_000)
      liveness.onFrame('pong')
    }
    expect(told).toEqual([])
  })

  it('needs no timer that fires as long as heartbeats arrive', () => {
    for (let beat = 0; beat < 10; beat += 1) {
      vi.advanceTimersByTime(25_000)
      liveness.onFrame('beat')
    }
    // The next timer is that of the silence: it was never due before.
    vi.advanceTimersToNextTimer()
    expect(told).toEqual(['ping'])
  })

  it('stays alive when anything arrives after a ping', () => {
    liveness.probe()
    vi.advanceTimersByTime(1900)
    liveness.onFrame('pong')
    vi.advanceTimersByTime(20_000)
    expect(told).toEqual(['ping'])
  })

  it('G8 is dead within 5 seconds after a signal that nothing answers', () => {
    vi.advanceTimersByTime(10_000)
    liveness.sent()
    vi.advanceTimersByTime(4600)
    expect(told).toEqual(['ping', 'dead'])
  })

  it('counts from the first unanswered signal, and forgets it when something comes', () => {
    liveness.sent()
    vi.advanceTimersByTime(2000)
    liveness.sent()
    vi.advanceTimersByTime(600)
    expect(told).toEqual(['ping'])
    liveness.onFrame('pong')
    vi.advanceTimersByTime(20_000)
    expect(told).toEqual(['ping'])
  })

  it('G8 is dead when it brings but does not take: signals of others are no answer', () => {
    liveness.sent()
    for (let tenth = 0; tenth < 46; tenth += 1) {
      vi.advanceTimersByTime(100)
      liveness.onFrame('signal')
    }
    expect(told).toEqual(['ping', 'dead'])
  })

  it('G8 takes no heartbeat for the answer to a signal', () => {
    liveness.sent()
    vi.advanceTimersByTime(2400)
    liveness.onFrame('beat')
    vi.advanceTimersByTime(100)
    liveness.onFrame('beat')
    vi.advanceTimersByTime(2000)
    expect(told).toEqual(['ping', 'dead'])
  })

  it('stays alive on any data when nothing is unanswered', () => {
    liveness.probe()
    liveness.onFrame('signal')
    vi.advanceTimersByTime(20_000)
    expect(told).toEqual(['ping'])
  })

  it('is asked once at a time, and only after the silence that the asker names', () => {
    liveness.probe(5000)
    expect(told).toEqual([])
    vi.advanceTimersByTime(5000)
    liveness.probe(5000)
    liveness.probe(0)
    expect(told).toEqual(['ping'])
  })

  it('is not judged by a timer that was held back, but asked again', () => {
    liveness.probe()
    stall(60_000)
    vi.advanceTimersByTime(2000)
    expect(told).toEqual(['ping', 'ping'])
    vi.advanceTimersByTime(2000)
    expect(told).toEqual(['ping', 'ping', 'dead'])
  })

  it('is asked before it is judged when the timer of the silence itself was held back', () => {
    stall(3_600_000)
    vi.advanceTimersByTime(27_500)
    expect(told).toEqual(['ping'])
    liveness.onFrame('pong')
    vi.advanceTimersByTime(2500)
    expect(told).toEqual(['ping'])
  })
})
