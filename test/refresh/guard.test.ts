import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RefreshAction, RefreshOptions } from '../../src/refresh/index.js'
import { pass } from '../support/mock-relay.js'
import { openPage } from './refresh-page.js'

let page: Awaited<ReturnType<typeof openPage>>
let action: ReturnType<typeof vi.fn<RefreshAction>>

beforeEach(async () => {
  page = await openPage()
  action = vi.fn<RefreshAction>()
  document.body.innerHTML = `
    <form id="form">
      <input id="text" value="before"><textarea id="area"></textarea><input id="box" type="checkbox" checked>
      <select id="choice"><option>a</option><option selected>b</option></select>
      <input id="secret" type="hidden"><button>Save</button>
    </form>
    <p id="rich" contenteditable="true">rich</p>
    <dialog id="dialog"><input id="inside"></dialog>`
  // The page stays.
  get('form').addEventListener('submit', (event) => event.preventDefault())
})

afterEach(async () => {
  expect(await page.close()).toBe(0)
})

function get(id: string): HTMLInputElement {
  const [field] = document.querySelectorAll<HTMLInputElement>(`#${id}`)
  if (!field) throw new Error(`There is no #${id}.`)
  return field
}

/** As a user changes a field. */
function edit(id: string, change: (field: HTMLInputElement) => void): void {
  const field = get(id)
  field.dispatchEvent(new FocusEvent('focusin', { bubbles: true, composed: true }))
  change(field)
  field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }))
}

async function isHeld(options?: RefreshOptions): Promise<boolean> {
  page.refresh(action, options)
  page.relay.deliver('ReportIncome')
  await pass(500)
  return page.phases.includes('held ReportIncome 1') && action.mock.calls.length === 0
}

const shown = (): ShadowRoot | null | undefined => document.querySelector('signalpost-notice')?.shadowRoot
const hint = (): HTMLElement | null | undefined => shown()?.querySelector<HTMLElement>('.hint:not([hidden])')
const typed = (field: HTMLInputElement): void => void (field.value = 'typed')

describe('a refresh is held back', () => {
  it.each<[string, string, (field: HTMLInputElement) => void]>([
    ['a text', 'text', typed],
    ['a long text', 'area', typed],
    ['a box', 'box', (field) => void (field.checked = false)],
    ['a choice', 'choice', (field) => void (field.value = 'a')],
    ['a rich text', 'rich', (field) => void (field.textContent = 'richer')],
  ])('by %s that was changed, until it is as it was before', async (_what, id, change) => {
    page.refresh(() => undefined, {}, 'Watching')
    const { value, checked, textContent } = get(id)
    edit(id, change)
    expect(await isHeld()).toBe(true)
    edit(id, (field) => Object.assign(field, id === 'rich' ? { textContent } : { value, checked }))
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('by a box that was clicked and never had the focus, as in Safari', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    get('box').checked = false
    get('box').dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }))
    expect(await isHeld()).toBe(true)
  })

  it('by what was typed before anybody watched, if it has the focus', async () => {
    get('text').focus()
    get('text').value = 'typed early'
    expect(await isHeld()).toBe(true)
  })

  it('by what a date picker wrote into a field that the user was in', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    get('text').dispatchEvent(new FocusEvent('focusin', { bubbles: true, composed: true }))
    get('text').value = '2026-11-24'
    expect(await isHeld()).toBe(true)
  })

  it.each([
    new Event('reset', { bubbles: true, cancelable: true }),
    new CustomEvent('signalpost:saved', { bubbles: true }),
    new CustomEvent('turbo:submit-end', { bubbles: true, detail: { success: true } }),
    new CustomEvent('htmx:afterRequest', { bubbles: true, detail: { successful: true } }),
    new CustomEvent('ajax:success', { bubbles: true, detail: [] }),
  ])('no longer after $type', async (event) => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    get('form').dispatchEvent(event)
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it.each([
    ['a submit that a script cancels', new Event('submit', { bubbles: true, cancelable: true })],
    [
      'a request of Turbo that fails',
      new CustomEvent('turbo:submit-end', { bubbles: true, detail: { success: false } }),
    ],
    [
      'a request of htmx that fails',
      new CustomEvent('htmx:afterRequest', { bubbles: true, detail: { successful: false } }),
    ],
  ])('also after %s', async (_what, event) => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    get('form').dispatchEvent(event)
    await pass(300)
    expect(action).not.toHaveBeenCalled()
  })

  it('no longer when the page sends a signal after a submit that its script cancelled to save the form', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    get('form').dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }))
    void page.client.sendSignal('Saved')
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('also when such a signal comes much later, or after another edit', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    const submit = (): boolean => get('form').dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }))
    submit()
    edit('text', (field) => (field.value = 'typed later'))
    void page.client.sendSignal('Saved')
    await pass(300)
    submit()
    await pass(11_000)
    void page.client.sendSignal('Saved')
    await pass(300)
    expect(action).not.toHaveBeenCalled()
  })

  it.each([
    { age: 1000, held: true },
    { age: 4000, held: false },
  ])('by a text of a page that Back has shown, $age ms after its load: $held', async ({ age, held }) => {
    const entry = { type: 'back_forward', loadEventEnd: performance.now() - age + 0.5 }
    vi.spyOn(performance, 'getEntriesByType').mockReturnValue([entry as unknown as PerformanceEntry])
    get('text').value = 'restored, or written by a script'
    page.refresh(action)
    page.relay.deliver('ReportIncome')
    await pass(300)
    expect(action).toHaveBeenCalledTimes(held ? 0 : 1)
  })

  it('also after a reset that a script cancels', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    get('form').addEventListener('reset', (event) => event.preventDefault(), { once: true })
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    get('form').dispatchEvent(new Event('reset', { bubbles: true, cancelable: true }))
    await pass(300)
    expect(action).not.toHaveBeenCalled()
  })

  it('no longer when the field is gone', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    get('form').remove()
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('by a modal dialog, until it is closed', async () => {
    get('dialog').setAttribute('open', '')
    get('dialog').setAttribute('aria-modal', 'true')
    expect(await isHeld()).toBe(true)
    get('dialog').removeAttribute('aria-modal')
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('by a text in the shadow of an element, until the form around it is saved', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    const host = document.createElement('x-field')
    get('form').append(host)
    const field = document.createElement('input')
    host.attachShadow({ mode: 'open' }).append(field)
    field.dispatchEvent(new FocusEvent('focusin', { bubbles: true, composed: true }))
    field.value = 'typed'
    expect(await isHeld()).toBe(true)
    get('form').dispatchEvent(new CustomEvent('signalpost:saved', { bubbles: true }))
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('by a frame that the user has been in', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    const frame = document.createElement('iframe')
    document.body.append(frame)
    const activeElement = vi
      .spyOn(Object.getPrototypeOf(document) as Document, 'activeElement', 'get')
      .mockReturnValue(frame)
    dispatchEvent(new Event('blur'))
    activeElement.mockRestore()
    expect(await isHeld()).toBe(true)
    frame.remove()
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('by a guard of the page’s own, for as long as it says', async () => {
    let isDragging = true
    expect(await isHeld({ guard: () => isDragging })).toBe(true)
    isDragging = false
    await pass(300)
    expect(action).toHaveBeenCalledOnce()
  })

  it('once, and tells it once, however many signals come', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld()).toBe(true)
    for (let sent = 0; sent < 5; sent += 1) {
      page.relay.deliver('ReportIncome')
      await pass(1000)
    }
    get('form').dispatchEvent(new CustomEvent('signalpost:saved', { bubbles: true }))
    await pass(300)
    expect(page.phases).toEqual([
      'dirty ReportIncome 1',
      'held ReportIncome 1',
      'running ReportIncome 6',
      'done ReportIncome 6',
    ])
  })
})

describe('a refresh is not held back', () => {
  it('by a field that a script filled and nobody touched', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    get('text').value = 'filled'
    get('secret').value = 'filled'
    expect(await isHeld()).toBe(false)
    expect(action).toHaveBeenCalledOnce()
  })

  it('by a dialog that is there all the time, and is not modal', async () => {
    get('dialog').setAttribute('open', '')
    expect(await isHeld()).toBe(false)
  })

  it('by a field that only has the focus', async () => {
    get('text').focus()
    expect(await isHeld()).toBe(false)
  })

  it('with `guard: false`', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld({ guard: false })).toBe(false)
  })

  it('by what an action says that it can keep', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    action = Object.assign(vi.fn<RefreshAction>(), { guard: () => false })
    expect(await isHeld()).toBe(false)
  })
})

describe('the hint', () => {
  it('is a status with a button that refreshes now, whatever is being edited', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    await isHeld()
    expect(hint()?.closest('[role=status]')).not.toBeNull()
    expect(hint()?.querySelector('.text')?.textContent).toBe('This page has changed.')
    hint()?.querySelector('button')?.click()
    await pass(10)
    expect(action).toHaveBeenCalledOnce()
    expect(shown()).toBeUndefined()
  })

  it('is one for all, and refreshes all that wait', async () => {
    page.refresh(action, {}, 'ReportIncome')
    page.refresh(action, {}, 'ReportIncome')
    edit('text', typed)
    page.relay.deliver('ReportIncome')
    await pass(600)
    expect(document.querySelectorAll('signalpost-notice')).toHaveLength(1)
    hint()?.querySelector('button')?.click()
    expect(action).toHaveBeenCalledTimes(2)
  })

  it('comes into a status region that was there before, or nobody would hear it', async () => {
    page.refresh(action)
    edit('text', typed)
    page.relay.deliver('ReportIncome')
    await pass(200)
    expect(shown()?.querySelector('[role=status]')).not.toBeNull()
    expect(hint()).toBeNull()
    await pass(100)
    expect(hint()).not.toBeNull()
  })

  it('says it in the language of the page', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    await isHeld({ texts: { changed: 'Neue Daten.', refresh: 'Anzeigen' } })
    expect(hint()?.textContent).toBe('Neue Daten.Anzeigen')
  })

  it('is not there with `indicator: false`', async () => {
    page.refresh(() => undefined, {}, 'Watching')
    edit('text', typed)
    expect(await isHeld({ indicator: false })).toBe(true)
    expect(shown()).toBeUndefined()
  })
})
