import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RefreshAction, reloadPage, replaceElement, submitForm } from '../../src/refresh/index.js'
import { pass } from '../support/mock-relay.js'
import { openPage } from './refresh-page.js'

// The method of happy-dom works on its own object and not on the proxy in front of it, which only member access unwraps.
const requestSubmit = Symbol('requestSubmit')
const prototype = HTMLFormElement.prototype as HTMLFormElement & { [requestSubmit]: HTMLFormElement['requestSubmit'] }
prototype[requestSubmit] = prototype.requestSubmit
prototype.requestSubmit = function (this: typeof prototype, submitter) {
  this[requestSubmit](submitter)
}

let page: Awaited<ReturnType<typeof openPage>>
let form: HTMLFormElement
let submitted: string[]

beforeEach(async () => {
  page = await openPage()
  submitted = []
  document.body.innerHTML = `
    <form id="filter"><input name="year" value="2026" required><button disabled>No</button>
    <button type="button">Help</button><button name="show" value="1">Show</button></form>`
  const [found] = document.querySelectorAll('form')
  if (!found) throw new Error('There is no form.')
  form = found
  // Nobody answers at the addresses of these tests.
  const { happyDOM } = window as unknown as { happyDOM: { settings: { navigation: object } } }
  Object.assign(happyDOM.settings.navigation, { disableMainFrameNavigation: true, disableFallbackToSetURL: true })
  form.addEventListener('submit', ({ submitter }) => {
    submitted.push(`${submitter?.textContent} ${form.hasAttribute('data-signal-refreshing')}`)
  })
})

afterEach(async () => {
  expect(await page.close()).toBe(0)
})

async function deliver(): Promise<void> {
  page.relay.deliver('ReportIncome')
  await pass(1200)
}

function touch(): void {
  document.dispatchEvent(Object.defineProperty(new Event('pointerdown'), 'isTrusted', { value: true }))
}

const texts = (): string[] => page.errors.map(({ code, message }) => `${code}: ${message}`)

describe('reloadPage', () => {
  it('asks for the page once, however many signals come while it is on its way', async () => {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    page.refresh(reloadPage())
    for (let sent = 0; sent < 10; sent += 1) await deliver()
    expect(reload).toHaveBeenCalledOnce()
    expect(history.scrollRestoration).toBe('auto')
  })

  it('asks again when the page has not come for 30 seconds: somebody stopped it', async () => {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    page.refresh(reloadPage())
    await deliver()
    await deliver()
    await pass(30_000)
    expect(reload).toHaveBeenCalledTimes(2)
  })

  it('asks again at once on a page that came back from the browser’s cache', async () => {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    page.refresh(reloadPage())
    await deliver()
    await deliver()
    dispatchEvent(new Event('pageshow'))
    await pass(10)
    expect(reload).toHaveBeenCalledOnce()
    dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await pass(10)
    expect(reload).toHaveBeenCalledTimes(2)
  })

  /** How long after it came each page reloads, in seconds, when a signal is there at once. */
  async function comeRound(laps: number, act = (): void => undefined): Promise<number[]> {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    const before = reload.mock.calls.length
    const pauses: number[] = []
    for (let lap = 0; lap < laps; lap += 1) {
      const start = Date.now()
      vi.spyOn(performance, 'now').mockImplementation(() => Date.now() - start)
      const stop = page.refresh(reloadPage())
      act()
      page.relay.deliver('ReportIncome')
      while (reload.mock.calls.length - before <= lap) await pass(50)
      pauses.push(Math.round((Date.now() - start) / 1000))
      dispatchEvent(new Event('pagehide'))
      stop()
      dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
      await pass(100)
    }
    return pauses
  }

  it('of pages that come round again by themselves is slower each time, up to eight times as slow', async () => {
    expect(await comeRound(6)).toEqual([0, 2, 4, 8, 8, 8])
  })

  it('is not slower and slower where somebody has touched the page itself, whatever they did on the last one', async () => {
    vi.stubGlobal('navigator', { userActivation: { hasBeenActive: true } })
    expect(await comeRound(4)).toEqual([0, 2, 4, 8])
    expect(await comeRound(4, touch)).toEqual([8, 2, 2, 2])
  })

  it('of pages that send when they come is held back, after three rounds, until somebody touches them', async () => {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    await comeRound(3)
    page.refresh(reloadPage())
    void page.client.sendSignal('Other')
    await deliver()
    await pass(60_000)
    expect([reload.mock.calls.length, page.phases.at(-1)]).toEqual([3, 'held ReportIncome 1'])
    touch()
    await pass(300)
    expect(reload).toHaveBeenCalledTimes(4)
  })

  describe('while the page that the user has asked for is on its way', () => {
    const link = (html: string) => (): void => {
      document.body.insertAdjacentHTML('beforeend', html)
      const [found] = [...document.querySelectorAll('a')].slice(-1)
      found?.querySelector('b')?.addEventListener('click', (event) => event.stopPropagation())
      ;(found?.querySelector('b') ?? found)?.click()
    }
    const submit = (html: string) => (): void => {
      document.body.insertAdjacentHTML('beforeend', html)
      ;[...document.querySelectorAll('form')].at(-1)?.requestSubmit()
    }

    it.each<[string, () => void]>([
      ['a link', link('<a href="/next">Next</a>')],
      ['a link whose click never reaches the document', link('<a href="/next"><b>Next</b></a>')],
      ['a form', submit('<form method="post" action="/save"></form>')],
    ])('waits, without a hint, for %s', async (_what, act) => {
      const reload = vi.spyOn(location, 'reload').mockReturnValue()
      page.refresh(reloadPage())
      act()
      await deliver()
      await pass(25_000)
      expect([reload.mock.calls.length, page.phases.at(-1)]).toEqual([0, 'held ReportIncome 1'])
      expect(document.querySelector('signalpost-notice')).toBeNull()
      // A download does not leave.
      await pass(5000)
      expect(reload).toHaveBeenCalledOnce()
    })

    it('takes away the hint to which it was held back before, and goes on when the page comes back', async () => {
      const reload = vi.spyOn(location, 'reload').mockReturnValue()
      page.refresh(reloadPage())
      const [field] = form.querySelectorAll('input')
      field?.focus()
      if (field) field.value = '2025'
      await deliver()
      expect(document.querySelector('signalpost-notice')).not.toBeNull()
      form.requestSubmit()
      await pass(1000)
      expect([document.querySelector('signalpost-notice'), reload.mock.calls.length]).toEqual([null, 0])
      dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
      await pass(300)
      expect(reload).toHaveBeenCalledOnce()
    })

    it.each<[string, () => void]>([
      ['a link that a script cancels', link('<a href="/next" onclick="return false">Next</a>')],
      ['a link into another tab', link('<a href="/next" target="_blank">Next</a>')],
      ['a link within the page', link('<a href="#part">Next</a>')],
      ['a link to download', link('<a href="/file" download>Next</a>')],
      ['a link to a program', link('<a href="mailto:ann@example.com">Next</a>')],
      ['a form of a dialog', submit('<form method="dialog"></form>')],
      ['a form into a frame', submit('<form target="frame"></form>')],
    ])('does not wait for %s', async (_what, act) => {
      const reload = vi.spyOn(location, 'reload').mockReturnValue()
      page.refresh(reloadPage())
      document.body.addEventListener('click', cancelScripted)
      act()
      await deliver()
      document.body.removeEventListener('click', cancelScripted)
      expect(reload).toHaveBeenCalledOnce()
    })

    /** Without the inline script, which happy-dom does not run. */
    function cancelScripted(event: Event): void {
      if ((event.target as Element).hasAttribute('onclick')) event.preventDefault()
    }
  })

  describe('on a page that is the answer to a form', () => {
    /** The page that comes after this one, by a navigation of its own. */
    async function arrive(type: string, redirectCount = 0): Promise<void> {
      await pass(10)
      dispatchEvent(new Event('pagehide'))
      // The client of these tests stays.
      dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
      await pass(100)
      vi.spyOn(performance, 'getEntriesByType').mockReturnValue([
        { type, redirectCount } as unknown as PerformanceEntry,
      ])
    }

    function post(more: Partial<HTMLFormElement> = {}): void {
      const stop = page.refresh(() => undefined, {}, 'Watching')
      Object.assign(form, { method: 'post', action: location.href, ...more })
      form.requestSubmit()
      onLeave.push(stop)
    }
    const onLeave: (() => void)[] = []

    it('fails with advice, once, and so does an element without an address, instead of posting again', async () => {
      const reload = vi.spyOn(location, 'reload').mockReturnValue()
      post()
      await arrive('navigate')
      for (const stop of onLeave.splice(0)) stop()
      page.refresh(reloadPage())
      page.refresh(replaceElement('#filter'))
      await deliver()
      await deliver()
      expect(reload).not.toHaveBeenCalled()
      expect(new Set(page.errors).size).toBe(1)
      expect(texts()[0]).toContain('refresh-failed: This page is the response to a POST')
    })

    it.each([
      ['leads back to the page of the form', {}, 1],
      ['leads to another page', { action: 'https://shop.test/save' }, 1],
      ['comes from another origin, which hides it', { action: 'https://login.test/save' }, 0],
    ])(
      'is reported once, when a section fetches the own address, if a redirect %s',
      async (_how, target, redirects) => {
        const warn = vi.spyOn(console, 'warn').mockReturnValue()
        vi.stubGlobal('fetch', () => Promise.reject(new TypeError('There is no network')))
        post(target)
        await arrive('navigate', redirects)
        for (const stop of onLeave.splice(0)) stop()
        const stop = page.refresh(replaceElement('#filter', { url: '/report' }))
        await deliver()
        stop()
        expect(warn).not.toHaveBeenCalled()
        page.refresh(replaceElement('#filter'))
        await deliver()
        await deliver()
        expect(warn.mock.calls).toEqual([[expect.stringContaining('came by a POST and a redirect')]])
      },
    )

    it('is not reported where the page came by a link', async () => {
      const warn = vi.spyOn(console, 'warn').mockReturnValue()
      vi.stubGlobal('fetch', () => Promise.reject(new TypeError('There is no network')))
      page.refresh(() => undefined, {}, 'Watching')()
      await arrive('navigate', 1)
      page.refresh(replaceElement('#filter'))
      await deliver()
      expect(warn).not.toHaveBeenCalled()
    })

    it('also when the user has loaded it again', async () => {
      const reload = vi.spyOn(location, 'reload').mockReturnValue()
      post()
      await arrive('navigate')
      for (const stop of onLeave.splice(0)) stop()
      page.refresh(() => undefined, {}, 'Watching')()
      const stop = page.refresh(reloadPage())
      await arrive('reload')
      stop()
      page.refresh(reloadPage())
      await deliver()
      expect(reload).not.toHaveBeenCalled()
    })

    it.each<[string, () => Promise<void>]>([
      ['a redirect led to it', () => arrive('navigate', 1)],
      [
        'a link led to it',
        () => {
          document.body.insertAdjacentHTML('beforeend', '<a href="?again">Again</a>')
          document.querySelector('a')?.click()
          return arrive('navigate')
        },
      ],
      ['it came back', () => arrive('back_forward')],
    ])('but not where %s', async (_how, come) => {
      const reload = vi.spyOn(location, 'reload').mockReturnValue()
      post()
      await come()
      for (const stop of onLeave.splice(0)) stop()
      page.refresh(reloadPage())
      await deliver()
      expect(reload).toHaveBeenCalledOnce()
    })
  })

  it('is held back by anything that is edited on the page', () => {
    expect([reloadPage(), submitForm(form)].map(({ guard }) => guard)).toEqual([undefined, undefined])
  })
})

describe('submitForm', () => {
  it.each<[string, () => RefreshAction]>([
    ['by its selector', () => submitForm('#filter')],
    ['itself', () => submitForm(form)],
  ])('submits the form %s, as its first button would, and marks it while it does', async (_how, action) => {
    page.refresh(action())
    await deliver()
    expect(submitted).toEqual(['Show true'])
    expect(form.hasAttribute('data-signal-refreshing')).toBe(false)
  })

  it('submits once while the next page is on its way', async () => {
    page.refresh(submitForm(form))
    for (let sent = 0; sent < 5; sent += 1) await deliver()
    expect(submitted).toHaveLength(1)
  })

  it('submits each time where a handler of the page does it instead', async () => {
    form.addEventListener('submit', (event) => event.preventDefault())
    page.refresh(submitForm(form))
    for (let sent = 0; sent < 3; sent += 1) await deliver()
    expect(submitted).toHaveLength(3)
  })

  it('tells when there is no such form', async () => {
    page.refresh(submitForm('#missing'))
    await deliver()
    expect(texts()).toEqual(['refresh-failed: There is no form #missing.'])
  })

  it('throws bad-option at the call for what is not a selector', () => {
    expect(() => submitForm('form[')).toThrow(expect.objectContaining({ code: 'bad-option' }))
  })
})
