import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SignalClient, setPageClient } from '../../src/index.js'
import { type RefreshAction, type RefreshContext, refreshOn } from '../../src/refresh/index.js'
import { pass } from '../support/mock-relay.js'
import { openPage, setVisibility } from './refresh-page.js'

let page: Awaited<ReturnType<typeof openPage>>

beforeEach(async () => {
  page = await openPage()
})

afterEach(async () => {
  expect(await page.close()).toBe(0)
})

/** An action that takes as long as it is told to. */
function slowAction() {
  const contexts: RefreshContext[] = []
  const ends: ((error?: Error) => void)[] = []
  const action: RefreshAction = (context) => {
    contexts.push(context)
    return new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())))
  }
  return { action, contexts, end: (error?: Error) => ends.shift()?.(error) }
}

async function deliver(name = 'ReportIncome', more: object = {}): Promise<void> {
  page.relay.deliver(name, more)
  await pass(10)
}

describe('a burst', () => {
  it('is one run, when the signals have been quiet for `wait`', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    await deliver()
    await pass(100)
    await deliver()
    await pass(130)
    expect(action).not.toHaveBeenCalled()
    await pass(20)
    expect(action).toHaveBeenCalledOnce()
    expect(page.phases).toEqual(['dirty ReportIncome 1', 'running ReportIncome 2', 'done ReportIncome 2'])
  })

  it('that does not end is not put off for longer than `maxWait`', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    for (let time = 0; time < 1950; time += 50) {
      page.relay.deliver('ReportIncome')
      await pass(50)
    }
    expect(action).not.toHaveBeenCalled()
    await pass(50)
    expect(action).toHaveBeenCalledOnce()
  })

  it.each([
    ['evenly', 1],
    ['in clumps, with silence between them', 200],
  ])('of 1,000 signals in a second, %s, is at most 2 runs, the last of which comes after it', async (_how, clump) => {
    let seen = 0
    let shown = 0
    let runs = 0
    page.client.receiveSignal('ReportIncome', () => (seen += 1))
    page.refresh(() => {
      runs += 1
      shown = seen
    })
    for (let sent = 0; sent < 1000; sent += clump) {
      for (let index = 0; index < clump; index += 1) page.relay.deliver('ReportIncome')
      await pass(clump)
    }
    await pass(3000)
    expect({ seen, shown }).toEqual({ seen: 1000, shown: 1000 })
    expect(runs).toBeGreaterThan(0)
    expect(runs).toBeLessThanOrEqual(2)
  })

  it('is of all names of one registration', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action, {}, ['ReportIncome', 'ReportExpense', 'ReportIncome'])
    await deliver('ReportIncome')
    await deliver('ReportExpense')
    await pass(200)
    expect(action.mock.calls.map(([{ signals }]) => signals.map(({ name }) => name))).toEqual([
      ['ReportIncome', 'ReportExpense'],
    ])
    expect(page.phases).toContain('running ReportIncome,ReportExpense 2')
  })

  it('of more than 100 signals says that everything may have changed', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    for (let sent = 0; sent < 101; sent += 1) page.relay.deliver('ReportIncome')
    await pass(200)
    expect(action.mock.calls.map(([{ signals }]) => signals)).toEqual([[]])
  })

  it('waits for a random share of `spread` more, the same in all of the page', async () => {
    const runs: string[] = []
    page.refresh(() => undefined, { spread: 1000 })
    vi.spyOn(Math, 'random').mockReturnValueOnce(0.1).mockReturnValueOnce(0.9)
    page.refresh(() => runs.push('one'), { spread: 1000 })
    page.refresh(() => runs.push('two'), { spread: 1000 })
    await deliver()
    await pass(630)
    expect(runs).toEqual([])
    await pass(20)
    expect(runs).toEqual(['one', 'two'])
  })
})

describe('`spread`', () => {
  it('of 64 pages is spread evenly over its time', async () => {
    // Chance that is even, and the same in each run.
    let draws = 0
    vi.mocked(Math.random).mockImplementation(() => (draws++ * 0.618) % 1)
    const start = Date.now()
    const waited: number[] = []
    for (let index = 0; index < 64; index += 1) {
      // A module of its own for each page.
      vi.resetModules()
      const { refreshOn } = await import('../../src/refresh/index.js')
      refreshOn('ReportIncome', () => void waited.push(Date.now() - start), { client: page.client, spread: 8000 })
    }
    await deliver()
    await pass(10_000)
    const eighths = waited.map((time) => Math.floor((time - 150) / 1000))
    expect(eighths).toHaveLength(64)
    expect([Math.min(...eighths), Math.max(...eighths)]).toEqual([0, 7])
    // An eighth of 64 pages is 8 of them.
    const crowds = Array.from({ length: 8 }, (_, eighth) => eighths.filter((each) => each === eighth).length)
    expect(Math.max(...crowds)).toBeLessThan(11)
  })
})

describe('a signal during a run', () => {
  it('causes exactly one more run, after it', async () => {
    const { action, contexts, end } = slowAction()
    page.refresh(action)
    await deliver()
    await pass(200)
    expect(contexts).toHaveLength(1)
    for (let sent = 0; sent < 5; sent += 1) await deliver()
    await pass(5000)
    expect(contexts).toHaveLength(1)
    end()
    await pass(0)
    expect(contexts).toHaveLength(2)
    end()
    await pass(5000)
    expect(contexts.map(({ signals }) => signals.length)).toEqual([1, 5])
    expect(page.phases).toEqual([
      'dirty ReportIncome 1',
      'running ReportIncome 1',
      'dirty ReportIncome 1',
      'done ReportIncome 1',
      'running ReportIncome 5',
      'done ReportIncome 5',
    ])
  })

  it('that fails causes the next one all the same', async () => {
    const { action, contexts, end } = slowAction()
    page.refresh(action)
    await deliver()
    await pass(200)
    await deliver()
    end(new Error('down'))
    await pass(2000)
    expect(contexts).toHaveLength(2)
    end()
    await pass(0)
    expect(page.errors.map(({ code, cause }) => [code, String(cause)])).toEqual([['refresh-failed', 'Error: down']])
    expect(page.phases.filter((phase) => /failed|done/.test(phase))).toEqual([
      'failed ReportIncome 1',
      'done ReportIncome 1',
    ])
  })

  it('is told when it came last', async () => {
    const { action, contexts, end } = slowAction()
    page.refresh(action)
    await deliver()
    const before = performance.now()
    await deliver()
    await pass(500)
    expect(contexts[0]?.changedAt).toBeGreaterThanOrEqual(before)
    expect(contexts[0]?.changedAt).toBeLessThanOrEqual(before + 10)
    end()
    await pass(0)
  })
})

describe('a page that nobody sees', () => {
  it('refreshes once, when it is seen again', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    setVisibility('hidden')
    for (let sent = 0; sent < 50; sent += 1) {
      await deliver()
      await pass(1000)
    }
    expect(action).not.toHaveBeenCalled()
    setVisibility('visible')
    expect(action).toHaveBeenCalledOnce()
    await pass(5000)
    expect(action).toHaveBeenCalledOnce()
    expect(page.phases).toEqual([
      'dirty ReportIncome 1',
      'held ReportIncome 1',
      'running ReportIncome 50',
      'done ReportIncome 50',
    ])
  })

  it('does so within a minute also when the browser does not say that it is seen', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    setVisibility('hidden')
    await deliver()
    await pass(1000)
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible')
    await pass(60_000)
    expect(action).toHaveBeenCalledOnce()
  })

  it('refreshes at once with `whenHidden: run`', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action, { whenHidden: 'run' })
    setVisibility('hidden')
    await deliver()
    await pass(200)
    expect(action).toHaveBeenCalledOnce()
  })
})

describe('a gap', () => {
  const gap = { type: 'gap', reason: 'trimmed', from: 0, epoch: 'e1', offset: 9 } as const

  it('runs it once, whatever `where` says (G7)', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action, { where: () => false })
    await pass()
    await deliver()
    page.relay.send({ ...gap, room: 'main' })
    await pass(500)
    expect(action.mock.calls.map(([{ signals }]) => signals)).toEqual([[]])
  })

  it('makes the signals around it mean everything', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    await deliver()
    page.relay.send({ ...gap, room: 'main' })
    await pass(10)
    page.relay.deliver('ReportIncome', { offset: 10, id: 'x' })
    await pass(500)
    expect(action.mock.calls.map(([{ signals }]) => signals)).toEqual([[]])
  })

  it('in another room is nothing to it', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action, { room: 'team:7' })
    page.client.receiveSignal('Other', () => undefined)
    await pass()
    page.relay.send({ ...gap, room: 'main' })
    await pass(500)
    expect(action).not.toHaveBeenCalled()
    page.relay.send({ ...gap, room: 'team:7' })
    await pass(500)
    expect(action).toHaveBeenCalledOnce()
  })
})

describe('what it reacts to', () => {
  it('is what others sent, unless told otherwise', async () => {
    const others = vi.fn<RefreshAction>()
    const anyone = vi.fn<RefreshAction>()
    page.refresh(others)
    page.refresh(anyone, { from: 'anyone' })
    await deliver('ReportIncome', { sender: { tab: 'me' } })
    await pass(500)
    expect([others, anyone].map(({ mock }) => mock.calls.length)).toEqual([0, 1])
  })

  it('is what `where` lets through, in its room', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action, { room: 'team:7', where: ({ data }) => data === 2 })
    await pass()
    await deliver('ReportIncome', { data: 2 })
    await deliver('ReportIncome', { room: 'team:7', data: 1 })
    await pass(500)
    expect(action).not.toHaveBeenCalled()
    await deliver('ReportIncome', { room: 'team:7', data: 2 })
    await pass(500)
    expect(action).toHaveBeenCalledOnce()
  })

  it('is every name with the wildcard', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action, {}, '*')
    await deliver('Anything')
    await pass(500)
    expect(action).toHaveBeenCalledOnce()
  })
})

describe('the end', () => {
  it('comes with stop, which drops what waits and aborts what runs', async () => {
    const { action, contexts } = slowAction()
    const stop = page.refresh(action)
    await deliver()
    await pass(200)
    await deliver()
    stop()
    stop()
    await pass(5000)
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true])
    expect(page.errors).toEqual([])
  })

  it('comes with the end of the client', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    await deliver()
    page.client.close()
    await pass(5000)
    expect(action).not.toHaveBeenCalled()
  })

  it('may come from a listener, at any step', async () => {
    for (const phase of ['dirty', 'running', 'done']) {
      const action = vi.fn<RefreshAction>()
      const stop = page.refresh(action)
      const onRefresh = ({ detail }: CustomEvent<{ phase: string }>): void => {
        if (detail.phase === phase) stop()
      }
      document.addEventListener('signalpost:refresh', onRefresh as (event: Event) => void)
      await deliver()
      await pass(5000)
      document.removeEventListener('signalpost:refresh', onRefresh as (event: Event) => void)
      expect(action).toHaveBeenCalledTimes(phase === 'done' ? 1 : 0)
    }
  })

  it('does not come with a lost connection: what waits is run', async () => {
    const action = vi.fn<RefreshAction>()
    page.refresh(action)
    await deliver()
    page.relay.close(1012)
    await pass(200)
    expect(action).toHaveBeenCalledOnce()
  })

  it('leaves no listener behind', () => {
    const added = [vi.spyOn(document, 'addEventListener'), vi.spyOn(globalThis, 'addEventListener')]
    const removed = [vi.spyOn(document, 'removeEventListener'), vi.spyOn(globalThis, 'removeEventListener')]
    const stops = [page.refresh(() => undefined), page.refresh(() => undefined)]
    const typesOf = (spies: typeof added): unknown[] => spies.flatMap(({ mock }) => mock.calls.map(([type]) => type))
    const aborted = added.flatMap(({ mock }) =>
      mock.calls.map(([, , options]) => (options as AddEventListenerOptions | undefined)?.signal),
    )
    expect(typesOf(added)).toContain('pagehide')
    for (const stop of stops) stop()
    const left = typesOf(added).filter((type, index) => !aborted[index]?.aborted && !typesOf(removed).includes(type))
    expect(left).toEqual([])
  })
})

describe('the next page of the tab', () => {
  it('refreshes for signals that are newer than its HTML, whatever the last page has handled', () => {
    const receive = vi.spyOn(page.client, 'receiveSignal')
    page.refresh(() => undefined)
    expect(receive).toHaveBeenCalledWith(
      'ReportIncome',
      expect.any(Function),
      expect.objectContaining({ since: 'page' }),
    )
  })

  /** Moves the page's own beginning to now. */
  function navigate(): void {
    const start = Date.now()
    vi.spyOn(performance, 'now').mockImplementation(() => Date.now() - start)
  }

  it('refreshes when the last page heard a signal after the navigation to this one began', async () => {
    const action = vi.fn<RefreshAction>()
    const stop = page.refresh(action, { wait: 5000 })
    navigate()
    await pass(100)
    await deliver()
    dispatchEvent(new Event('pagehide'))
    stop()
    page.refresh(action)
    await pass(500)
    expect(action.mock.calls.map(([{ signals }]) => signals)).toEqual([[]])
  })

  it('does not when all was heard before: a reload cannot cause itself', async () => {
    const action = vi.fn<RefreshAction>()
    const stop = page.refresh(action)
    await deliver()
    await pass(500)
    navigate()
    dispatchEvent(new Event('pagehide'))
    stop()
    page.refresh(action)
    await pass(5000)
    expect(action).toHaveBeenCalledOnce()
  })

  it('takes no note of what it cannot read', async () => {
    const action = vi.fn<RefreshAction>()
    // The page of the test before has left nothing.
    page.refresh(action)()
    sessionStorage.setItem('signalpost refresh', '{"no":')
    page.refresh(action)
    sessionStorage.setItem('signalpost refresh', '[null, 7]')
    page.refresh(action)
    await pass(5000)
    expect(action).not.toHaveBeenCalled()
  })
})

describe('wrong use', () => {
  const reload: RefreshAction = () => undefined

  it.each<[string, () => unknown]>([
    ['bad-name', () => refreshOn('not a name', reload)],
    ['bad-name', () => refreshOn(['ReportIncome', ''], reload)],
    ['bad-name', () => refreshOn(7 as unknown as string, reload)],
    ['bad-name', () => refreshOn('ReportIncome', reload, { room: 'no room' })],
    ['bad-option', () => refreshOn([], reload)],
    ['bad-option', () => refreshOn('ReportIncome', 'reload' as unknown as RefreshAction)],
    ['bad-option', () => refreshOn('ReportIncome', reload, { wait: -1 })],
    ['bad-option', () => refreshOn('ReportIncome', reload, { spread: NaN })],
    ['bad-option', () => refreshOn('ReportIncome', reload, { debounce: 5 } as object)],
    ['bad-option', () => refreshOn('ReportIncome', reload, { guard: 'no' as unknown as boolean })],
    ['bad-option', () => refreshOn('ReportIncome', reload, { whenHidden: 'maybe' as 'run' })],
  ])('throws %s at the call', (code, call) => {
    expect(call).toThrow(expect.objectContaining({ name: 'SignalError', code }))
  })

  it('without a client throws no-client', () => {
    setPageClient(undefined)
    expect(() => refreshOn('ReportIncome', reload)).toThrow(expect.objectContaining({ code: 'no-client' }))
    setPageClient(page.client)
  })

  it('takes another client than the page’s', async () => {
    const other = page.client as SignalClient
    setPageClient(undefined)
    const action = vi.fn<RefreshAction>()
    refreshOn('ReportIncome', action, { client: other })
    await deliver()
    await pass(500)
    expect(action).toHaveBeenCalledOnce()
  })
})

describe('what an application throws', () => {
  it('goes to onError: from an action, and from a guard, without which the refresh then runs', async () => {
    page.refresh(
      () => {
        throw new Error('action')
      },
      {
        guard() {
          throw new Error('guard')
        },
      },
    )
    await deliver()
    await pass(500)
    expect(page.errors.map(({ code, cause }) => [code, String(cause)])).toEqual([
      ['handler-threw', 'Error: guard'],
      ['refresh-failed', 'Error: action'],
    ])
  })

  it('does not hide an error of signalpost', async () => {
    const { SignalError } = await import('../../src/index.js')
    const error = new SignalError('forbidden', 'No.')
    page.refresh(() => Promise.reject(error))
    await deliver()
    await pass(500)
    expect(page.errors).toEqual([error])
  })
})
