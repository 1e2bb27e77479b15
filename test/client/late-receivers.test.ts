import { describe, expect, it, vi } from 'vitest'
import { pass } from '../support/mock-relay.js'
import { useClients } from './use-clients.js'

const { online, relay } = useClients()

describe('what came before its receiver', () => {
  it('G6 gives a module that loads late what came for it while the page was loading', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('A', (data) => heard.push(['A', data]))
    await pass()
    relay().deliver('A', { data: 1 })
    relay().deliver('B', { data: 2 })
    relay().deliver('B', { data: 3, room: 'main' })
    await pass(100)
    client.receiveSignal('B', (data, { replayed }) => heard.push(['B', data, replayed]))
    client.receiveSignal('B', (data) => heard.push(['again', data]))
    expect(heard).toEqual([['A', 1]])
    await pass()
    relay().deliver('B', { data: 4 })
    expect(heard).toEqual([
      ['A', 1],
      ['B', 2, true],
      ['again', 2],
      ['B', 3, true],
      ['again', 3],
      ['B', 4, false],
      ['again', 4],
    ])
  })

  it('G6 gives a receiver that a handler registers first what is stored, also when more follows in the same task', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('Ready', () => {
      client.receiveSignal('Item', (data, { replayed }) => heard.push([data, replayed]))
    })
    await pass()
    relay().deliver('Item', { data: 1 })
    relay().deliver('Ready')
    relay().deliver('Item', { data: 2 })
    await pass()
    expect(heard).toEqual([
      [1, true],
      [2, false],
    ])
  })

  it('G6 gives it to a module that loads late also where another receiver hears every name', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('*', (data) => heard.push(['every', data]))
    await pass()
    relay().deliver('A', { data: 1 })
    await pass()
    client.receiveSignal('A', (data, { replayed }) => heard.push(['A', data, replayed]))
    await pass()
    relay().deliver('A', { data: 2 })
    expect(heard).toEqual([
      ['every', 1],
      ['A', 1, true],
      ['A', 2, false],
      ['every', 2],
    ])
  })

  it("G6 gives a '*' that loads late what only a receiver by name has heard", async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('A', (data) => heard.push(['A', data]))
    await pass()
    relay().deliver('A', { data: 1 })
    await pass()
    client.receiveSignal('*', (data) => heard.push(['every', data]))
    await pass()
    expect(heard).toEqual([
      ['A', 1],
      ['every', 1],
    ])
  })

  it('gives a second receiver of a name nothing from before its call', async () => {
    const client = await online()
    const heard: unknown[] = []
    client.receiveSignal('*', (data) => heard.push(['every', data]), { once: true })
    client.receiveSignal('A', (data) => heard.push(['first', data]), { once: true })
    await pass()
    relay().deliver('A', { data: 1 })
    relay().deliver('A', { data: 2 })
    await pass()
    client.receiveSignal('A', (data) => heard.push(['second', data]), { once: true })
    client.receiveSignal('*', (data) => heard.push(['every again', data]), { room: 'side' })
    await pass()
    relay().deliver('A', { data: 3 })
    expect(heard).toEqual([
      ['first', 1],
      ['every', 1],
      ['second', 3],
    ])
  })

  it('keeps the newest of what nobody hears, and lets go of it when the page has been loaded', async () => {
    const client = await online()
    client.receiveSignal('A', () => undefined)
    await pass()
    for (let count = 1; count <= 2000; count += 1) relay().deliver(count % 2 ? 'B' : 'C', { data: count })
    const heard: unknown[] = []
    client.receiveSignal('B', (data) => heard.push(data))
    await pass()
    expect([heard.length > 100, heard.length < 400, heard.at(-1)]).toEqual([true, true, 1999])
    vi.advanceTimersByTime(60_000)
    vi.spyOn(performance, 'now').mockReturnValue(0)
    client.receiveSignal('C', (data) => heard.push(['late', data]))
    await pass()
    expect(heard.at(-1)).toBe(1999)
  })

  it('forgets what nobody heard when the page has long been loaded', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(70_000)
    const client = await online()
    client.receiveSignal('A', () => undefined)
    await pass()
    relay().deliver('B', { data: 1 })
    const heard = vi.fn()
    client.receiveSignal('B', heard)
    await pass()
    expect(heard).not.toHaveBeenCalled()
  })
})
