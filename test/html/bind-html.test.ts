import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { bindHtml, type HtmlOptions, type SignalEvent } from '../../src/html/index.js'
import { type JsonValue, type SignalClient, SignalError } from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { element, usePage } from './page.js'

const { bind, connect, open, relay } = usePage()

const BUTTON = '<button type="button" data-signal-send="A">Save</button>'

describe('bindHtml', () => {
  it('begins to work when the page gets a client', async () => {
    document.body.innerHTML = `${BUTTON}<div id="report" data-signal-refresh="A"></div>`
    bind()
    const client = connect()
    await pass()
    expect(relay().sent('hello')).toMatchObject([{ rooms: [{ room: 'main' }] }])
    element('button').click()
    await pass()
    expect([client.status.state, relay().sent('signal').length]).toEqual(['online', 1])
  })

  it('binds the same root once, also for another copy of the package', async () => {
    document.body.innerHTML = BUTTON
    connect()
    const first = bind()
    vi.resetModules()
    const other = await import('../../src/html/index.js')
    expect([bindHtml(), other.bindHtml()]).toEqual([first.stop, first.stop])
    element('button').click()
    await pass()
    expect(relay().sent('signal')).toHaveLength(1)
  })

  it('can be bound again after it was stopped', async () => {
    document.body.innerHTML = BUTTON
    connect()
    const { stop } = bind()
    stop()
    bind()
    stop()
    bind()
    element('button').click()
    await pass()
    expect(relay().sent('signal')).toHaveLength(1)
  })

  it('leaves nothing behind when it is stopped', async () => {
    const added: unknown[] = []
    const removed: unknown[] = []
    // The members of the document are read from its prototype.
    for (const [target, owner] of [
      [document, Object.getPrototypeOf(document) as Document],
      [window, window],
    ] as const) {
      const { addEventListener, removeEventListener } = owner
      vi.spyOn(owner, 'addEventListener').mockImplementation((...args: Parameters<typeof addEventListener>) => {
        added.push(`${String(target)} ${args[0]}`)
        addEventListener.call(target, ...args)
      })
      vi.spyOn(owner, 'removeEventListener').mockImplementation((...args: Parameters<typeof addEventListener>) => {
        removed.push(`${String(target)} ${args[0]}`)
        removeEventListener.call(target, ...args)
      })
    }
    const client = connect()
    await pass()
    const before = added.length
    document.body.innerHTML = `${BUTTON}<div id="report" data-signal-refresh="A" data-signal-room="side"></div>
      <output data-signal-status></output>`
    const observe = vi.spyOn(MutationObserver.prototype, 'observe')
    const disconnect = vi.spyOn(MutationObserver.prototype, 'disconnect')
    const { stop } = bind()
    await pass()
    expect(added.length).toBeGreaterThan(before + 3)
    // The next dial comes after stop().
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    relay().close(1006)
    await pass()
    stop()
    await pass()

    expect(added.slice(before).toSorted()).toEqual(removed.toSorted())
    expect(disconnect.mock.calls.length).toBe(observe.mock.calls.length)
    element('button').click()
    document.body.innerHTML = '<div id="report" data-signal-refresh="A"></div><output data-signal-status></output>'
    await pass(5000)
    expect([document.documentElement.dataset.signalState, element('output').textContent]).toEqual([undefined, ''])
    expect(relay().sent('signal')).toEqual([])
    expect(relay().sent('hello').at(-1)).toMatchObject({ rooms: [] })
    client.close()
    await pass()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('looks only at the inside of its root', async () => {
    document.body.innerHTML = `<section data-signal-send="Outer"><main>${BUTTON}<i>text</i></main></section>`
    connect()
    bind({ root: element('main') })
    element('i').click()
    element('section').click()
    element('button').click()
    await pass()
    expect(
      relay()
        .sent('signal')
        .map(({ signal }) => signal),
    ).toEqual(['A'])
  })

  it('throws what goes wrong in a task of its own, unless somebody wants to be told', async () => {
    const uncaught: unknown[] = []
    const listener = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', listener)
    document.body.innerHTML = '<div data-signal-refresh="A"></div><div id="report" data-signal-refresh="A"></div>'
    const client = connect()
    const stop = bindHtml()
    await pass()
    process.off('uncaughtException', listener)
    stop()
    expect(uncaught).toEqual([expect.any(SignalError)])
    expect(client.status.state).toBe('online')
  })

  it.each([
    ['an unknown option', { rot: document }],
    ['a client that is none', { client: 'client' }],
  ])('throws at the call for %s', (_what, options) => {
    expect(() => bindHtml(options as HtmlOptions)).toThrow(expect.objectContaining({ code: 'bad-option' }))
  })

  it('does nothing where there is no page', () => {
    vi.stubGlobal('document', undefined)
    const stop = bindHtml()
    vi.unstubAllGlobals()
    expect(stop()).toBeUndefined()
  })

  it('is told errors of its own elements together with their place, and keeps the cause', async () => {
    const errors: SignalError[] = []
    await open('')
    document.body.innerHTML = '<main><p id="x" data-signal-refresh="9"></p></main>'
    bind({ root: element('main'), client: connect(), onError: (error) => errors.push(error) })
    await pass()
    expect(errors).toMatchObject([{ code: 'bad-name', cause: { code: 'bad-name' } }])
  })
})

describe('its types', () => {
  it('know the events', () => {
    const listener = (event: DocumentEventMap['signal:ReportIncome']): void => {
      expectTypeOf(event).toExtend<SignalEvent>()
      expectTypeOf(event.detail).toEqualTypeOf<JsonValue | null>()
    }
    document.addEventListener('signal:ReportIncome', listener)
    document.removeEventListener('signal:ReportIncome', listener)
    expectTypeOf<SignalClient<{ A: number }>>().toExtend<NonNullable<HtmlOptions<{ A: number }>['client']>>()
  })
})
