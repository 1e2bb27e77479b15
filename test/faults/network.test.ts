import { afterEach, describe, expect, it, vi } from 'vitest'
import { wrongIn } from './expectations.js'
import { createRelayHere } from './relay-under-test.js'
import { recordRun } from './results.js'
import { byLength } from './run-length.js'
import { run, type Model } from './scenario.js'
import { installFakePage, type FakePage } from './fake-page.js'
import { pause, until } from './waiting.js'

afterEach(() => void vi.restoreAllMocks())

const TIMES = byLength(3, 50)
/** How far away the next dial has to be, in milliseconds, for it to be seen that nobody waits for it. */
const FAR = 1500

/** The machine is called offline, and online again, while its connections work. */
async function callOffline({ happen }: FakePage, { pages, note }: Model): Promise<number> {
  const before = pages.map(({ client }) => client.status)
  happen('offline')
  await pause(300)
  happen('online')
  await pause(300)
  note('false alarms')
  return pages.filter(({ client }, index) => client.status !== before[index]).length
}

/** The network really goes, and comes back long before anybody meant to dial. Gives how many waited all the same. */
async function loseNetwork({ happen }: FakePage, { proxy, pages, note, allBack }: Model): Promise<number> {
  const plans = (): number[] =>
    pages.map(({ client: { status } }) => (status.state === 'waiting' ? status.retryAt - Date.now() : 0))
  proxy.refuse(true)
  for (const connection of proxy.connections) connection.cut()
  happen('offline')
  if (!(await until(() => plans().every((left) => left > FAR), 60_000))) throw new Error('Nobody has to wait for long.')
  const retryAt = plans().map((left) => left + Date.now())
  proxy.refuse(false)
  happen('online')
  note('losses')
  await allBack()
  return pages.filter(({ client: { status } }, index) => status.since >= (retryAt[index] ?? 0)).length
}

describe('when the network goes and comes', () => {
  it('F22 keeps connections that work, and is back at once when there is a network again', async () => {
    // The longest waits, so that it is seen who did not wait.
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const fakePage = installFakePage()
    let closed = 0
    let late = 0
    let times = 0
    try {
      const outcome = await run({
        relay: createRelayHere(),
        seconds: 3600,
        isDone: () => times >= TIMES,
        rate: 100,
        returns: 'by itself',
        fakePage,
        faults: async (model) => {
          for (; times < TIMES; times += 1) {
            closed += await callOffline(fakePage, model)
            late += await loseNetwork(fakePage, model)
          }
        },
      })
      await recordRun(
        'F22',
        'called offline and online, first while connections work, then while they do not',
        outcome,
        0,
        `${closed} connections that work closed; ${late} pages online only when they had meant to dial`,
      )
      expect(wrongIn(outcome, 0)).toEqual({})
      expect({ closed, late }).toEqual({ closed: 0, late: 0 })
      expect(outcome.faults).toMatchObject({ 'false alarms': TIMES, losses: TIMES })
    } finally {
      fakePage.remove()
    }
  })
})
