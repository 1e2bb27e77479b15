import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RefreshAction, reloadPage, submitForm } from '../../src/refresh/index.js'
import { pass } from '../mock-relay.js'
import { openPage } from './refresh-page.js'

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
  async function comeRound(laps: number): Promise<number[]> {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    const pauses: number[] = []
    for (let lap = 0; lap < laps; lap += 1) {
      const start = Date.now()
      vi.spyOn(performance, 'now').mockImplementation(() => Date.now() - start)
      const stop = page.refresh(reloadPage())
      page.relay.deliver('ReportIncome')
      while (reload.mock.calls.length <= lap) await pass(50)
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

  it('is not slower and slower where somebody has touched the pages', async () => {
    vi.stubGlobal('navigator', { userActivation: { hasBeenActive: true } })
    expect(await comeRound(4)).toEqual([0, 2, 2, 2])
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
