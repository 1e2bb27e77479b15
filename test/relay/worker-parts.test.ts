import { describe, expect, it, vi } from 'vitest'
import { createConcurrencyLimit } from '../../examples/relay/limits/concurrency.js'
import { createRateLimiter } from '../../examples/relay/limits/rate-limit.js'
import { createCounters } from '../../examples/relay/metrics/counters.js'
import { createLedger } from '../../examples/relay/workers/ledger.js'
import type { FromWorker } from '../../examples/relay/workers/messages.js'
import { createPolls } from '../../examples/relay/workers/poll.js'
import { createTally } from '../../examples/relay/workers/tally.js'
import { createWorkerSiblings } from '../../examples/relay/workers/worker-siblings.js'

function createPair() {
  const sent: FromWorker[] = []
  return { sent, siblings: createWorkerSiblings(1, (message) => void sent.push(message)) }
}

describe('the limits of several workers', () => {
  it('announce uses and allowed units together, and none that were given back at once', async () => {
    const { sent, siblings } = createPair()
    const limit = createConcurrencyLimit(5, siblings.shareUses('addresses'))
    const rate = createRateLimiter({ rate: 1, burst: 9 }, siblings.shareRate('handshakes'))
    limit.acquire('a')
    limit.acquire('b')
    limit.release('b')
    rate.consume('a', 2)
    rate.consume('a', 3)
    await vi.waitUntil(() => sent.length > 0)
    expect(sent).toEqual([{ type: 'changes', uses: [['addresses', 'a', 1]], units: [['handshakes', 'a', 5]] }])
  })

  it('count the uses and the units of other workers, and announce them no further', async () => {
    const { sent, siblings } = createPair()
    const limit = createConcurrencyLimit(3, siblings.shareUses('addresses'))
    const rate = createRateLimiter({ rate: 1, burst: 4, now: () => 0 }, siblings.shareRate('handshakes'))
    siblings.receive({ type: 'changes', uses: [['addresses', 'a', 2]], units: [['handshakes', 'a', 3]] })
    expect([limit.acquire('a'), limit.acquire('a'), rate.consume('a'), rate.consume('a')]).toEqual([
      true,
      false,
      0,
      1000,
    ])
    siblings.receive({ type: 'changes', uses: [['addresses', 'a', -2]], units: [] })
    expect([limit.acquire('a'), limit.count('a')]).toEqual([true, 2])
    await vi.waitUntil(() => sent.length > 0)
    expect(sent).toEqual([{ type: 'changes', uses: [['addresses', 'a', 2]], units: [['handshakes', 'a', 1]] }])
  })

  it('give back the uses of a worker that ended', () => {
    const ledger = createLedger<string>()
    ledger.add('one', [['addresses', 'a', 2]])
    ledger.add('one', [['addresses', 'a', -1]])
    ledger.add('two', [['users', 'ann', 1]])
    expect(ledger.uses()).toEqual([
      ['addresses', 'a', 1],
      ['users', 'ann', 1],
    ])
    expect(ledger.remove('one')).toEqual([['addresses', 'a', -1]])
    expect([ledger.uses(), ledger.remove('one')]).toEqual([[['users', 'ann', 1]], []])
  })
})

describe('a question to all workers', () => {
  it('has the answers of those that end neither early nor late', async () => {
    vi.useFakeTimers()
    const polls = createPolls<string>()
    const poll = polls.start(['quick', 'busy', 'ending'], () => {})
    polls.answer('quick', 1, 'an answer')
    polls.remove('ending')
    await vi.advanceTimersByTimeAsync(1000)
    expect([...(await poll)]).toEqual([['quick', 'an answer']])
    polls.answer('busy', 1, 'too late')
    vi.useRealTimers()
  })

  it('leaves out a worker that has answered and ended, whose counts are those of the past', async () => {
    const polls = createPolls<string>()
    const poll = polls.start(['ending', 'busy'], () => {})
    polls.answer('ending', 1, 'an answer')
    polls.remove('ending')
    polls.answer('busy', 1, 'another one')
    expect([...(await poll)]).toEqual([['busy', 'another one']])
  })

  it('is answered at once when each worker has answered', async () => {
    const polls = createPolls<string>()
    const poll = polls.start(['one', 'two'], (worker, id) => polls.answer(worker, id, worker))
    expect([...(await poll).values()]).toEqual(['one', 'two'])
    expect((await polls.start([], () => {})).size).toBe(0)
  })
})

describe('the counts of all workers', () => {
  it('never fall, although a worker does not answer or ends', () => {
    const countsOf = (signalsOut: number) => Object.assign(createCounters(0).counts, { signalsOut })
    const tally = createTally<string>()
    const total = (answers: Readonly<Record<string, number>>): number =>
      tally
        .complete(new Map(Object.entries(answers).map(([worker, count]) => [worker, countsOf(count)])))
        .reduce((sum, { signalsOut }) => sum + signalsOut, 0)
    expect([total({ one: 5, two: 7 }), total({ one: 6 })]).toEqual([12, 13])
    tally.remove('two')
    expect([total({ one: 6 }), total({ one: 6, two: 1 })]).toEqual([13, 14])
  })
})
