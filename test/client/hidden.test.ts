import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bindHtml } from '../../src/html/index.js'
import { refreshOn } from '../../src/refresh/index.js'
import { countTimers } from '../support/count-timers.js'
import { pass, WELCOME } from '../support/mock-relay.js'
import { hide } from '../support/page-events.js'
import { useClients } from './use-clients.js'

const MINUTES = 10

describe('a page that nobody sees', () => {
  const { online, relay } = useClients()
  const stops: (() => void)[] = []

  beforeEach(() => hide(true))

  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
    document.body.replaceChildren()
    vi.restoreAllMocks()
  })

  /** An idle relay: it sends nothing but its heartbeat. */
  async function idle(minutes: number): Promise<void> {
    for (let time = 0; time < minutes * 60_000; time += WELCOME.beat) {
      relay().send({ type: 'beat' })
      await pass(WELCOME.beat)
    }
  }

  it.each([
    ['receives', () => undefined],
    ['refreshes', () => stops.push(refreshOn('ReportIncome', () => undefined))],
    [
      'has attributes',
      () => {
        document.body.innerHTML = '<section id="report" data-signal-refresh="ReportIncome"></section>'
        stops.push(bindHtml())
      },
    ],
  ])('is idle with at most one timer a minute when it %s', async (_what, begin) => {
    const fired = countTimers()
    const client = await online()
    client.receiveSignal('ReportIncome', () => undefined)
    begin()
    await pass(5000)
    const before = fired()
    await idle(MINUTES)
    expect(fired() - before).toBeLessThanOrEqual(MINUTES)
    expect([client.status.state, relay().sent('ping')]).toEqual(['online', []])
  })

  it('counts the timers of a page that is seen', async () => {
    hide(false)
    const fired = countTimers()
    await online()
    await idle(1)
    expect(fired()).toBeGreaterThanOrEqual(60_000 / 5000)
  })

  it('G8 notices a dead connection within 30 seconds', async () => {
    const client = await online()
    relay().isAnswering = false
    await pass(30_000)
    expect(client.status.state).toBe('waiting')
  })

  it('G8 checks its connection when it is seen again', async () => {
    const client = await online()
    await pass(20_000)
    relay().isAnswering = false
    hide(false)
    await pass(100)
    expect(relay().sent('ping')).toHaveLength(1)
    await pass(2000)
    expect(client.status.state).not.toBe('online')
  })
})
