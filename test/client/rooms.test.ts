import { describe, expect, it, vi } from 'vitest'
import { type ClientOptions } from '../../src/index.js'
import { pass, WELCOME } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { codes, connect, errors, online, relay } = useClients()

describe('rooms', () => {
  it('joins a room with its first receiver and leaves it with its last', async () => {
    const client = await online()
    const stops = [
      client.receiveSignal('A', () => 1, { room: 'team:7' }),
      client.receiveSignal('B', () => 1, { room: 'team:7' }),
    ]
    await pass()
    stops[0]?.()
    await pass()
    expect(relay().sent('leave')).toEqual([])
    stops[1]?.()
    await pass()
    expect(relay().sent('join')).toMatchObject([{ room: 'team:7' }])
    expect(relay().sent('leave')).toEqual([{ type: 'leave', room: 'team:7' }])
  })

  it('says a short hello from a page in many rooms, and joins them after the welcome', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `room-${index}`)
    const client = connect()
    for (const room of names) client.receiveSignal('A', () => 1, { room })
    await pass()
    expect(relay().sent('hello')[0]?.rooms).toEqual([])
    expect(
      relay()
        .sent('join')
        .map(({ room }) => room),
    ).toEqual(names)
  })

  it('goes on hearing a room to which a signal was refused', async () => {
    const client = await online()
    const heard = vi.fn()
    client.receiveSignal('A', heard, { room: 'team:7' })
    await pass()
    relay().isAnswering = false
    void client.sendSignal('B', undefined, { room: 'team:7' })
    await pass()
    const id = relay().sent('signal').at(-1)?.id ?? ''
    relay().send({ type: 'refused', id, room: 'team:7', code: 'denied', text: '' })
    relay().deliver('A', { room: 'team:7' })
    await pass()
    expect(heard).toHaveBeenCalledTimes(1)
  })

  it('joins, right after the welcome and before what waits goes out, a room that was first wanted after the hello', async () => {
    relay().isAnswering = false
    const client = connect()
    void client.sendSignal('Waiting')
    await pass()
    client.receiveSignal('A', () => 1, { room: 'late' })
    relay().send(WELCOME)
    await pass()
    expect(relay().frames).toMatchObject([
      { type: 'hello', rooms: [] },
      { type: 'join', room: 'late' },
      { type: 'signal', signal: 'Waiting' },
    ])
  })

  it('leaves after the welcome a room that its hello named and nobody listens to any more', async () => {
    relay().isAnswering = false
    const stop = connect().receiveSignal('A', () => 1, { room: 'gone' })
    await pass()
    stop()
    await pass()
    relay().send(WELCOME)
    await pass()
    expect(relay().frames).toMatchObject([
      { type: 'hello', rooms: [{ room: 'gone' }] },
      { type: 'leave', room: 'gone' },
    ])
  })

  it('keeps its place when a page stops and receives again in one breath', async () => {
    const client = await online()
    const stop = client.receiveSignal('A', () => 1)
    await pass()
    stop()
    client.receiveSignal('A', () => 2)
    await pass()
    expect([relay().sent('join').length, relay().sent('leave').length]).toEqual([1, 0])
  })

  it('names in hello the rooms that are listened to, by age from the navigation', async () => {
    await pass(700)
    const client = connect()
    client.receiveSignal('A', () => 1)
    client.receiveSignal('A', () => 1, { room: 'side' })
    await pass()
    const [hello] = relay().sent('hello')
    expect(hello?.rooms.map(({ room }) => room)).toEqual(['main', 'side'])
    expect(hello?.rooms[0]?.since).toMatchObject({ age: expect.any(Number) as number })
  })

  it.each<[string, number, ClientOptions]>([
    ["is asked for since 'now'", 5000, { since: 'now' }],
    ['has been loaded for more than a minute', 61_000, {}],
  ])('starts with its own call on a page that %s', async (_what, age, options) => {
    await pass(age)
    const client = connect(options)
    client.receiveSignal('A', () => 1)
    await pass()
    const since = relay().sent('hello')[0]?.rooms[0]?.since
    expect(since && 'age' in since && since.age).toBeLessThan(1000)
  })

  it('asks again for a refused room when a fresh token was accepted', async () => {
    const client = await online({ token: 'few-rights' })
    relay().isAnswering = false
    client.receiveSignal('A', () => 1, { room: 'vip' })
    await pass()
    relay().send({ type: 'refused', room: 'vip', code: 'denied', text: 'You may not join vip.' })
    relay().isAnswering = true
    client.setToken('more-rights')
    await pass()
    expect(relay().sent('join')).toHaveLength(1)
    relay().send(WELCOME)
    await pass()
    expect(
      relay()
        .sent('join')
        .map(({ room }) => room),
    ).toEqual(['vip', 'vip'])
  })

  it('begins anew in a room that it left and comes back to', async () => {
    const client = await online()
    const stop = client.receiveSignal('A', () => 1, { room: 'side' })
    await pass()
    stop()
    await pass(5000)
    client.receiveSignal('A', () => 1, { room: 'side' })
    await pass()
    const ages = relay()
      .sent('join')
      .map(({ since }) => (since && 'age' in since ? since.age : -1))
    expect(ages[1]).toBeLessThan(1000)
  })

  it('tells a refused room through onError, and goes on', async () => {
    const client = await online()
    relay().isAnswering = false
    client.receiveSignal('A', () => 1, { room: 'vip' })
    await pass()
    relay().send({ type: 'refused', room: 'vip', code: 'denied', text: 'You may not join vip.' })
    relay().send({ type: 'left', room: 'main', code: 'denied' })
    await pass()
    expect(codes()).toEqual(['refused', 'refused'])
    expect(errors.map(({ message }) => message)).toEqual([
      'The relay refused room vip: denied You may not join vip.',
      'The new token does not allow room main.',
    ])
    expect(client.status.state).toBe('online')
  })
})
