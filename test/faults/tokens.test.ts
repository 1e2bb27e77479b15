import { describe, expect, it } from 'vitest'
import type { Authorize } from '../../examples/relay/access/rights.js'
import { wrongIn } from './expectations.js'
import { createRelayHere } from './relay-under-test.js'
import { recordRun } from './results.js'
import { byLength, THROUGH } from './run-length.js'
import { run, type Model } from './scenario.js'
import { pause, until } from './waiting.js'

/** How long a page's token is good (ms): longer than a page needs to notice that a proxy buffers. */
const LIFETIME = THROUGH === 'buffers' ? 4000 : 1500
/** Long enough for a busy machine to renew it in time. */
const STEADY = 3000
const HOUR = 3_600_000

/** A token says who it is for and until when; that is enough here. */
function createGate() {
  const revoked = new Set<string>()
  const authorize: Authorize = (token) => {
    const [user = '', expires] = token.split('~')
    return revoked.has(user) ? undefined : { user, expires: Number(expires) }
  }
  const tokenFor = (user: string, lifetime: number) => (): string => `${user}~${Date.now() + lifetime}`
  return { revoked, authorize, tokenFor }
}

/** Holes that are longer than any token is good, under pages that are online: a hello gets through in time. */
async function outlive({ proxy, pages, chance, isOver, note, allBack }: Model): Promise<void> {
  while (!isOver()) {
    const online = new Set(pages.filter(({ client }) => client.status.state === 'online').map(({ name }) => name))
    const connections = chance.some(proxy.connections, 0.4).filter(({ client }) => online.has(client))
    for (const connection of connections) connection.stall()
    note('holes', connections.length)
    await pause(LIFETIME * 1.2)
    for (const connection of connections) connection.heal()
    // What was held up arrives first: the news that the relay has ended the connection.
    await pause(300)
    await allBack()
  }
}

describe('when rights end', () => {
  it('asks for a token a few times per lifetime, however short that is', async () => {
    const { authorize, tokenFor } = createGate()
    let asked = 0
    const outcome = await run({
      relay: createRelayHere({ authorize }),
      seconds: 4,
      rate: 40,
      token: (client) => () => {
        if (client !== 'observer') asked += 1
        return tokenFor(client, client === 'observer' ? HOUR : STEADY)()
      },
    })
    expect(wrongIn(outcome, 0)).toEqual({})
    // Ten pages, twice per lifetime, for as long as the run can have taken.
    expect(asked).toBeLessThan(10 * 2 * (9000 / STEADY))
    // Nothing was wrong with any connection: each page is still on its first connection.
    expect(outcome.dials).toBe(10)
    expect(outcome.renewals).toBeGreaterThanOrEqual(10)
  })
})

describe('when rights end while the connection is away', () => {
  it('F24 asks for a new token when the old one expired in a hole, and misses nothing', async () => {
    const { authorize, tokenFor } = createGate()
    const outcome = await run({
      relay: createRelayHere({ authorize }),
      seconds: byLength(5, 100),
      rate: 200,
      token: (client) => tokenFor(client, client === 'observer' ? HOUR : LIFETIME),
      faults: outlive,
    })
    await recordRun(
      'F24a',
      'tokens that expire while the connection is a hole',
      outcome,
      0,
      `${outcome.dials} dials for 10 pages, ${outcome.renewals} tokens renewed without one`,
    )
    expect(wrongIn(outcome, 0)).toEqual({})
    // Only a hole costs a connection, and each page came through some of its life without one.
    expect(outcome.dials - 10).toBeLessThanOrEqual(outcome.faults.holes ?? 0)
    expect(outcome.renewals).toBeGreaterThanOrEqual(10)
    expect(outcome.errors).toEqual({})
  })

  // Pages without WebSockets share connections, so that no cut is that of one page.
  it.skipIf(THROUGH)(
    'F24 hands nothing to a user who was revoked during an outage, and goes on when there is a new token',
    async () => {
      const { authorize, revoked, tokenFor } = createGate()
      let heardWhileRevoked = 0
      const outcome = await run({
        relay: createRelayHere({ authorize }),
        seconds: byLength(4, 100),
        rate: 200,
        token: (client) => tokenFor(client, HOUR),
        faults: async ({ proxy, pages, trace, chance, isOver, note, allBack }) => {
          const receivers = pages.filter(({ name }) => trace.heard.has(name))
          while (!isOver()) {
            const page = receivers[Math.floor(chance.between(0, receivers.length))]
            if (!page) continue
            const heard = (): number => trace.heard.get(page.name)?.length ?? 0
            proxy.refuse(true)
            for (const connection of proxy.connections) if (connection.client === page.name) connection.cut()
            await until(() => page.client.status.state !== 'online', 5000)
            const before = heard()
            revoked.add(page.name)
            proxy.refuse(false)
            note('revoked')
            const isClosed = await until(() => page.client.status.state === 'closed', 10_000)
            await pause(300)
            heardWhileRevoked += heard() - before + (isClosed ? 0 : 1)
            revoked.delete(page.name)
            page.client.setToken(tokenFor(page.name, HOUR))
            await allBack()
          }
        },
      })
      await recordRun(
        'F24b',
        'a user is revoked during an outage, and has a new token later',
        outcome,
        0,
        `${heardWhileRevoked} signals to revoked users`,
      )
      expect(wrongIn(outcome, 0)).toEqual({})
      expect(heardWhileRevoked).toBe(0)
    },
  )
})
