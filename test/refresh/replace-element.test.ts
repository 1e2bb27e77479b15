import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FetchFunction, type FetchNeeds, type RefreshOptions, replaceElement } from '../../src/refresh/index.js'
import { pass } from '../support/mock-relay.js'
import { openPage } from './refresh-page.js'

interface Asked {
  readonly url: string
  readonly signal: AbortSignal
  readonly headers: Readonly<Record<string, string>>
  answer(html: string | Uint8Array, more?: Partial<Answer>): void
  fail(error: Error): void
}

interface Answer {
  readonly ok: boolean
  readonly status: number
  readonly type: string | null
  /** Where a redirect led to. */
  readonly url: string
}

let page: Awaited<ReturnType<typeof openPage>>
let asked: Asked[]
let count = 0

beforeEach(async () => {
  page = await openPage()
  asked = []
  // Each test begins at the same fake time: an answer of the last one must not seem to be a fresh one.
  history.replaceState(null, '', `?test=${(count += 1)}`)
  document.body.innerHTML = '<section id="report">old</section><section id="other">old</section>'
  vi.stubGlobal('fetch', (url: string, { signal, headers: sent }: Pick<Asked, 'signal' | 'headers'>) => {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      asked.push({
        url,
        signal,
        headers: sent,
        answer(html, { ok = true, status = 200, type = 'text/html; charset=utf-8', url: place } = {}) {
          const headers = new Headers(type === null ? {} : { 'Content-Type': type })
          const redirected = place !== undefined
          const bytes = typeof html === 'string' ? new TextEncoder().encode(html) : html
          resolve({
            ok,
            status,
            headers,
            redirected,
            url: place ?? url,
            arrayBuffer: () => Promise.resolve(bytes),
          })
        },
        fail: reject,
      })
    })
  })
})

afterEach(async () => {
  // The user is signed in again.
  dispatchEvent(new KeyboardEvent('keydown'))
  expect(await page.close()).toBe(0)
})

const text = (id = 'report'): string | null | undefined => document.querySelector(`#${id}`)?.textContent
function get(selector: string): Element {
  const [element] = document.querySelectorAll(selector)
  if (!element) throw new Error(`There is no ${selector}.`)
  return element
}

const codes = (): string[] => page.errors.map(({ code }) => code)

async function deliver(name = 'ReportIncome'): Promise<void> {
  page.relay.deliver(name)
  await pass(200)
}

function replace(target: Element | string, url?: string, options?: RefreshOptions, name?: string) {
  return page.refresh(replaceElement(target, { url }), options, name)
}

describe('replaceElement', () => {
  it('fetches the page’s address of that time, and puts the element into its place', async () => {
    replace('#report')
    history.replaceState(null, '', `?page=${count}`)
    await deliver()
    asked[0]?.answer('<!doctype html><html><head><title>x</title><body><p>more<section id="report">new</section>')
    await pass(10)
    expect([text(), text('other'), asked.map(({ url }) => url)]).toEqual(['new', 'old', [location.href]])
    expect(location.href).toContain('?page=')
  })

  it('takes a fragment from an address of its own, for an element that is given', async () => {
    const element = get('#other')
    replace(element, '/parts/other?x=1')
    for (const content of ['new', 'newer']) {
      await deliver()
      asked.at(-1)?.answer(`<section id="other">${content}</section>`)
      await pass(10)
      expect(text('other')).toBe(content)
      await pass(3000)
    }
    expect(new URL(asked[0]?.url ?? '').pathname).toBe('/parts/other')
  })

  it('takes rows of a table from a fragment of their own', async () => {
    document.body.innerHTML = '<table><tbody id="rows"><tr><td>old</td></tr></tbody></table>'
    replace(get('tbody'), '/rows')
    await deliver()
    asked[0]?.answer('<tbody id="rows"><tr><td>new</td></tr></tbody>\n')
    await pass(10)
    expect(document.querySelector('table td')?.textContent).toBe('new')
  })

  it.each<[string, (fetching: Asked) => void]>([
    ['cannot be had', ({ fail }) => fail(new TypeError('Failed to fetch'))],
    ['is an error', ({ answer }) => answer('<section id="report">no</section>', { ok: false, status: 500 })],
    ['is not HTML', ({ answer }) => answer('<section id="report">no</section>', { type: 'application/json' })],
    ['has no type', ({ answer }) => answer('<section id="report">no</section>', { type: null })],
    ['has no such element', ({ answer }) => answer('<section id="reports">no</section>')],
    ['is empty', ({ answer }) => answer('')],
  ])('leaves the old element when the answer %s, and tries again at the next signal', async (_what, answer) => {
    replace('#report')
    await deliver()
    if (asked[0]) answer(asked[0])
    await pass(10)
    expect([text(), codes()]).toEqual(['old', ['refresh-failed']])

    await pass(1000)
    await deliver()
    asked[1]?.answer('<section id="report">new</section>')
    await pass(10)
    expect([text(), codes()]).toEqual(['new', ['refresh-failed']])
  })

  it.each<[string, Partial<Answer>]>([
    ['leads to another page', { url: 'http://x.test/login' }],
    ['refuses', { ok: false, status: 401 }],
  ])('asks an address that %s again only after the user has used the page', async (_what, answer) => {
    replace('#report')
    await deliver()
    asked[0]?.answer('<section id="report">no</section>', answer)
    await pass(1000)
    await deliver()
    expect([text(), asked.length, codes()]).toEqual(['old', 1, ['refresh-failed', 'refresh-failed']])

    dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }))
    await pass(1000)
    await deliver()
    asked[1]?.answer('<section id="report">new</section>')
    await pass(10)
    expect(text()).toBe('new')
  })

  it('tells the own server that a script asks, or what the page says, and other servers nothing', async () => {
    const origins = ['https://reports.example']
    const url = 'https://reports.example/rows'
    page.refresh(replaceElement('#report', { url: '/rows' }))
    page.refresh(replaceElement('#report', { url: '/rows', headers: { 'X-Page': 'report' } }))
    page.refresh(replaceElement('#report', { url: '/rows', headers: {} }))
    page.refresh(replaceElement('#report', { url, origins, headers: { 'X-Page': 'report' } }))
    await deliver()
    expect(asked.map(({ headers }) => headers)).toEqual([
      { Accept: 'text/html', 'X-Requested-With': 'XMLHttpRequest' },
      { Accept: 'text/html', 'X-Page': 'report' },
      { Accept: 'text/html' },
      { Accept: 'text/html' },
    ])
  })

  it.each([
    ['the encoding of its content type', 'TEXT/HTML; charset="windows-1252"', 'UTF-8'],
    ['the encoding of the page if it names none', 'text/html', 'windows-1252'],
  ])('reads the response with %s', async (_what, type, characterSet) => {
    vi.spyOn(Object.getPrototypeOf(document) as Document, 'characterSet', 'get').mockReturnValue(characterSet)
    replace('#report')
    await deliver()
    const html = '<section id="report">M\u00fcller \u00a312</section>'
    asked[0]?.answer(
      Uint8Array.from(html, (letter) => letter.charCodeAt(0)),
      { type },
    )
    await pass(10)
    expect(text()).toBe('Müller £12')
  })

  it('takes a redirect within the same path for what it is', async () => {
    replace('#report', '/report')
    await deliver()
    asked[0]?.answer('<section id="report">new</section>', { url: new URL('/report/?year=2026', location.href).href })
    await pass(10)
    expect(text()).toBe('new')
  })

  it('gives up after 30 seconds, and tells that it took too long', async () => {
    replace('#report')
    await deliver()
    await pass(30_000)
    expect(page.errors.map(({ code, message }) => [code, /too long/.test(message)])).toEqual([['refresh-failed', true]])
    expect(asked[0]?.signal.aborted).toBe(true)
  })

  it('tells when there is no such element on the page, and finds it when it comes', async () => {
    replace('#later')
    await deliver()
    expect([asked.length, codes()]).toEqual([0, ['refresh-failed']])
    document.body.insertAdjacentHTML('beforeend', '<section id="later">old</section>')
    await pass(1000)
    await deliver()
    asked[0]?.answer('<section id="later">new</section>')
    await pass(10)
    expect(text('later')).toBe('new')
  })

  it('aborts its fetch when it is stopped, and tells nothing', async () => {
    const stop = replace('#report')
    await deliver()
    stop()
    await pass(10)
    expect([asked[0]?.signal.aborted, text(), codes()]).toEqual([true, 'old', []])
  })

  it('aborts a fetch that another one for the same element has overtaken', async () => {
    replace('#report', '/one', {}, 'One')
    replace('#report', '/two', {}, 'Two')
    await deliver('One')
    await deliver('Two')
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
    asked[0]?.answer('<section id="report">one</section>')
    asked[1]?.answer('<section id="report">two</section>')
    await pass(10)
    expect([text(), codes()]).toEqual(['two', []])
  })

  it('is held back, with the hint, when a dialog was opened in the element before its answer came', async () => {
    replace('#report')
    await deliver()
    await pass(300)
    expect(get('#report').ariaBusy ?? get('#report').getAttribute('aria-busy')).toBe('true')
    document.querySelector('#report')?.insertAdjacentHTML('beforeend', '<div aria-modal="true"></div>')
    asked[0]?.answer('<section id="report">new</section>')
    await pass(1000)
    expect([text(), page.phases.at(-1), get('#report').hasAttribute('aria-busy')]).toEqual([
      'old',
      'held ReportIncome 1',
      false,
    ])
    expect(document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('.hint:not([hidden])')).not.toBeNull()
    document.querySelector('[aria-modal]')?.remove()
    await pass(300)
    asked[1]?.answer('<section id="report">newer</section>')
    await pass(10)
    expect([text(), codes()]).toEqual(['newer', []])
  })

  it('of 50 elements whose one fetch failed is one error and, when the user tries again, one fetch', async () => {
    const told: unknown[] = []
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
      void Promise.resolve()
        .then(task)
        .catch((error: unknown) => told.push(error))
    })
    for (let index = 0; index < 50; index += 1) {
      document.body.insertAdjacentHTML('beforeend', `<p id="part-${index}"></p>`)
      replace(`#part-${index}`, undefined, { onError: undefined })
    }
    await deliver()
    asked[0]?.fail(new TypeError('no network'))
    await pass(10)
    expect([asked.length, told]).toEqual([1, [expect.objectContaining({ code: 'refresh-failed' })]])
    let now = performance.now()
    // Time goes on while 50 of them begin.
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 0.1))
    document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('button')?.click()
    await pass(10)
    expect(asked).toHaveLength(2)
    asked[1]?.answer('')
    await pass(10)
  })

  it.each<[() => unknown]>([
    [() => replaceElement('#no:such[')],
    [() => replaceElement(document.createElement('div'))],
    [() => replaceElement('#report', { src: '/x' } as object)],
    [() => replaceElement('#report', { url: 7 as unknown as string })],
  ])('throws bad-option at the call: %s', (call) => {
    expect(call).toThrow(expect.objectContaining({ name: 'SignalError', code: 'bad-option' }))
  })
})

describe('a fetch', () => {
  it('is shared by all that react to the same burst', async () => {
    replace('#report')
    replace('#other')
    await deliver()
    expect(asked).toHaveLength(1)
    asked[0]?.answer('<section id="report">new</section><section id="other">new, too</section>')
    await pass(10)
    expect([text(), text('other')]).toEqual(['new', 'new, too'])
  })

  it('is shared by one that comes a little later, but after no newer signal', async () => {
    replace('#report', undefined, { wait: 100 })
    replace('#other', undefined, { wait: 190 })
    page.relay.deliver('ReportIncome')
    await pass(120)
    asked[0]?.answer('<section id="report">new</section><section id="other">new, too</section>')
    await pass(100)
    expect([asked.length, text('other')]).toEqual([1, 'new, too'])
  })

  it('that began before the last signal is not joined by what reacts to that signal', async () => {
    replace('#report', undefined, {}, 'One')
    replace('#other', undefined, {}, 'Two')
    await deliver('One')
    await deliver('Two')
    expect(asked).toHaveLength(2)
    asked[0]?.answer('<section id="report">1</section><section id="other">1</section>')
    asked[1]?.answer('<section id="report">2</section><section id="other">2</section>')
    await pass(10)
    expect([text(), text('other')]).toEqual(['1', '2'])
  })

  it('goes on for the others when one of them is stopped', async () => {
    const stop = replace('#report')
    replace('#other')
    await deliver()
    stop()
    expect(asked[0]?.signal.aborted).toBe(false)
    asked[0]?.answer('<section id="report">new</section><section id="other">new</section>')
    await pass(10)
    expect([text(), text('other')]).toEqual(['old', 'new'])
  })

  describe('by a function of the page', () => {
    /** What the function was to fulfil, call by call. */
    let calls: FetchNeeds[]

    const fetchBy: FetchFunction = (url, init, needs) => {
      calls.push(needs)
      return fetch(url, init)
    }

    function replaceBy(target: string, options?: RefreshOptions, name?: string) {
      return page.refresh(replaceElement(target, { fetch: fetchBy }), options, name)
    }

    beforeEach(() => {
      calls = []
    })

    it('is shared by all that react to the same burst, and has to be as fresh as the last of them needs it', async () => {
      const start = performance.now()
      replaceBy('#report', { wait: 100 }, 'One')
      replaceBy('#other', { wait: 50 }, 'Two')
      page.relay.deliver('One')
      await pass(60)
      page.relay.deliver('Two')
      await pass(45)
      expect(calls[0]?.changedAt).toBeLessThan(start + 60)
      await pass(10)
      expect([calls.length, asked.length]).toEqual([1, 1])
      expect(calls[0]?.changedAt).toBeGreaterThanOrEqual(start + 60)
      asked[0]?.answer('<section id="report">new</section><section id="other">new, too</section>')
      await pass(10)
      expect([text(), text('other')]).toEqual(['new', 'new, too'])
    })

    it('is not joined by a signal that came after the request which the function names', async () => {
      replaceBy('#report', { wait: 100 }, 'One')
      replaceBy('#other', { wait: 300 }, 'Two')
      page.relay.deliver('One')
      await pass(20)
      page.relay.deliver('Two')
      await pass(100)
      if (calls[0]) calls[0].startedAt = calls[0].changedAt + 1
      asked[0]?.answer('<section id="report">1</section><section id="other">1</section>')
      await pass(300)
      asked[1]?.answer('<section id="other">2</section>')
      await pass(10)
      expect([text(), text('other'), calls.length]).toEqual(['1', '2', 2])
    })

    it('tells the function when the refresh is obsolete', async () => {
      const stop = replaceBy('#report')
      await deliver()
      asked[0]?.answer('<section id="report">new</section>')
      await pass(10)
      expect(calls[0]?.signal.aborted).toBe(false)
      stop()
      expect(calls[0]?.signal.aborted).toBe(true)
    })
  })

  it('that failed is not shared with what tries again', async () => {
    replace('#report')
    replace('#other', undefined, { wait: 300 })
    page.relay.deliver('ReportIncome')
    await pass(200)
    asked[0]?.fail(new TypeError('down'))
    await pass(200)
    expect(asked).toHaveLength(2)
    asked[1]?.answer('<section id="other">new</section>')
    await pass(10)
    expect(text('other')).toBe('new')
  })
})
