import { describe, expect, it } from 'vitest'
import { pass, WELCOME } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { codes, connect, errors, online, relay } = useClients()

describe('sending', () => {
  it('P2.7 says hello first, then what was sent before there was a connection, in the order of the calls', async () => {
    const client = connect()
    const first = client.sendSignal('ReportIncome', { userId: 1 })
    const second = client.sendSignal('RefreshDashboard')
    await pass()
    expect(relay().frames).toMatchObject([
      { type: 'hello', v: 1, rooms: [] },
      { type: 'signal', signal: 'ReportIncome', data: { userId: 1 } },
      { type: 'signal', signal: 'RefreshDashboard' },
    ])
    expect(await Promise.all([first, second])).toMatchObject([{ outcome: 'accepted' }, { outcome: 'accepted' }])
  })

  it('P6.1 sends at once while online, under an id of 128 bits in base64url', async () => {
    const client = await online()
    const { id, outcome } = await Promise.all([client.sendSignal('A'), pass()]).then(([result]) => result)
    expect(id).toMatch(/^[\w-]{22}$/)
    expect(outcome).toBe('accepted')
  })

  it('P2.7 and P6.1 sends again, under the same ids and in the original order, what was not accepted when the connection broke', async () => {
    const client = await online()
    relay().isAnswering = false
    const results = [client.sendSignal('A', 1), client.sendSignal('A', 2)]
    await pass()
    relay().close(1006)
    relay().isAnswering = true
    results.push(client.sendSignal('A', 3))
    await pass(2000)
    expect((await Promise.all(results)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted'])
    const sent = relay().sent('signal')
    expect(sent.map(({ data }) => data)).toEqual([1, 2, 1, 2, 3])
    expect(sent[0]?.id).toBe(sent[2]?.id)
  })

  it('P6.12 says of a signal whether earlier ones are unanswered, also when it is sent again', async () => {
    const client = await online()
    const flags = (): unknown[] =>
      relay()
        .sent('signal')
        .map(({ pipelined }) => pipelined)
    relay().isAnswering = false
    for (const data of [1, 2, 3]) void client.sendSignal('A', data)
    await pass()
    expect(flags()).toEqual([undefined, true, true])
    relay().close(1006)
    await pass(2000)
    relay().frames.length = 0
    relay().send(WELCOME)
    await pass()
    expect(flags()).toEqual([undefined, true, true])
    relay().send({
      type: 'accepted',
      ids: relay()
        .sent('signal')
        .map(({ id }) => id),
    })
    void client.sendSignal('A', 4)
    await pass()
    expect(flags().at(-1)).toBe(undefined)
  })

  it('takes the data as it is at the call', async () => {
    const client = connect()
    const data = { userId: 1 }
    void client.sendSignal('A', data)
    data.userId = 2
    await pass()
    expect(relay().sent('signal')[0]?.data).toEqual({ userId: 1 })
  })

  it('P6.10 ends as refused what the relay refuses, tells why, and never sends it again', async () => {
    const client = await online()
    relay().isAnswering = false
    const result = client.sendSignal('A')
    await pass()
    const [frame] = relay().sent('signal')
    relay().send({ type: 'refused', id: frame?.id ?? '', code: 'denied', text: 'Your token may not send A.' })
    expect(await result).toMatchObject({ outcome: 'refused', error: { code: 'refused' } })
    await pass()
    expect(errors[0]?.message).toContain('Your token may not send A.')
    relay().isAnswering = true
    relay().close(1006)
    await pass(1000)
    expect([client.status.state, relay().sent('signal').length]).toEqual(['online', 1])
  })

  it('settles a promise once, however often the relay answers', async () => {
    const client = await online()
    relay().isAnswering = false
    const result = client.sendSignal('A')
    await pass()
    const id = relay().sent('signal')[0]?.id ?? ''
    relay().send(
      { type: 'accepted', ids: [id] },
      { type: 'refused', id, code: 'denied', text: '' },
      { type: 'accepted', ids: [id, 'x'] },
    )
    expect(await result).toMatchObject({ outcome: 'accepted' })
    await pass()
    expect(codes()).toEqual([])
  })

  it('ends what waits as closed when the client is closed, and what is sent after that', async () => {
    const client = connect()
    const result = client.sendSignal('A')
    client.close()
    expect(await result).toMatchObject({ outcome: 'closed', error: { code: 'closed' } })
    expect(await client.sendSignal('A')).toMatchObject({ outcome: 'closed' })
    await pass()
    expect(codes()).toEqual([])
  })
})
