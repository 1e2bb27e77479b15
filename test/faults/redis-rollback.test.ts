import { expect, it } from 'vitest'
import { bringBackAnOlderState } from '../relay/redis-rollback.js'
import { describeRedis } from '../relay/redis-server.js'
import { record } from './results.js'
import { byLength } from './run-length.js'

describeRedis('a Redis that comes back with an older state', () => {
  it('F12 is told to each receiver that was away as exactly one gap, every time', async () => {
    const times = byLength(1, 10)
    const startedAt = performance.now()
    let [gaps, published] = [0, 0]
    for (let time = 0; time < times; time += 1) {
      const outcome = await bringBackAnOlderState()
      gaps += outcome.gaps
      published += outcome.published
    }
    expect([gaps, published]).toEqual([times * 2, times * 50])
    await record({
      id: 'F12',
      title:
        'Redis back with an older state while 2 receivers are away; 10 of 40 signals gone, 10 others in their places',
      seconds: (performance.now() - startedAt) / 1000,
      faults: `${times} Redis restarts`,
      published,
      LOST: 0,
      DUP: 0,
      ORDER: 0,
      GAPS: gaps,
      gapsExpected: times * 2,
    })
  })
})
