import { describe, expect, it, vi } from 'vitest'
import { setPageClient } from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { element, usePage } from './page.js'

const { bind, connect, open, relay } = usePage()

describe('a click', () => {
  it('sends the signal with its data, and the element acts', async () => {
    const { sent } = await open(
      `<button type="button" data-signal-send="ReportIncome" data-signal-data='{"userId":123}'>Save</button>`,
    )
    const event = new MouseEvent('click', { bubbles: true, cancelable: true })
    element('button').dispatchEvent(event)
    await pass()
    expect([sent(), event.defaultPrevented]).toEqual([
      [{ name: 'ReportIncome', data: { userId: 123 }, room: undefined }],
      false,
    ])
  })

  it('sends several names, in the room of the nearest element that names one, from inside of the element too', async () => {
    const { sent } = await open(`
      <section data-signal-room="team:7">
        <a href="#there" data-signal-send="ReportIncome, RefreshDashboard"><b>Save</b></a>
        <a href="#there" data-signal-send="Other" data-signal-room="side">Save</a>
      </section>`)
    element('b').click()
    element('[data-signal-room=side]').click()
    await pass()
    expect(sent().map(({ name, room }) => [name, room])).toEqual([
      ['ReportIncome', 'team:7'],
      ['RefreshDashboard', 'team:7'],
      ['Other', 'side'],
    ])
  })

  it.each([
    ['with the control key', 'click', { ctrlKey: true }, 1],
    ['with the middle button, which opens a tab', 'auxclick', { button: 1 }, 1],
    ['with the right button, which opens a menu', 'auxclick', { button: 2 }, 0],
  ])('on a link %s sends %#', async (_how, type, how, count) => {
    const { sent } = await open('<a href="#there" data-signal-send="ReportIncome">Save</a>')
    element('a').dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, ...how }))
    await pass()
    expect(sent()).toHaveLength(count)
  })

  it('with the middle button on anything but a link sends nothing', async () => {
    const { sent } = await open('<button data-signal-send="ReportIncome">Save</button>')
    element('button').dispatchEvent(new MouseEvent('auxclick', { bubbles: true, button: 1 }))
    await pass()
    expect(sent()).toEqual([])
  })

  it('that the page cancels sends nothing', async () => {
    const { sent } = await open('<a href="#there" data-signal-send="ReportIncome">Delete</a>')
    element('a').addEventListener('click', (event) => event.preventDefault())
    element('a').click()
    await pass()
    expect(sent()).toEqual([])
  })

  it('that a handler keeps from the document sends all the same, unless it is cancelled', async () => {
    const { sent } = await open(`
      <button type="button" data-signal-send="One">Save</button><button type="button" data-signal-send="Two">Save</button>`)
    for (const button of document.querySelectorAll('button')) {
      button.addEventListener('click', (event) => {
        event.stopPropagation()
        if (button.dataset.signalSend === 'Two') event.preventDefault()
      })
      button.click()
    }
    await pass()
    expect(sent().map(({ name }) => name)).toEqual(['One'])
  })

  it('takes what a handler of the page puts into the attributes in that moment', async () => {
    const { sent } = await open('<button type="button" data-signal-send="ReportIncome">Save</button>')
    element('button').addEventListener('click', () => (element('button').dataset.signalData = '7'))
    element('button').click()
    await pass()
    expect(sent()).toMatchObject([{ data: 7 }])
  })
})

describe('a form', () => {
  const FORM = `
    <form data-signal-send="ReportIncome" data-signal-data="1">
      <input required value="text">
      <button data-signal-send="Saved" data-signal-data="2">Save</button>
      <button formnovalidate>Draft</button>
    </form>`

  it('sends when it is submitted: what the button says, and what it says itself', async () => {
    const { sent } = await open(FORM)
    element('button').click()
    await pass()
    expect(sent()).toEqual([
      { name: 'Saved', data: 2, room: undefined },
      { name: 'ReportIncome', data: 1, room: undefined },
    ])
  })

  it('sends only what it says itself when another button submits it', async () => {
    const { sent } = await open(FORM)
    element('button[formnovalidate]').click()
    await pass()
    expect(sent().map(({ name }) => name)).toEqual(['ReportIncome'])
  })

  it('that is not valid, or that the page cancels, sends nothing', async () => {
    const { sent } = await open(FORM)
    element<HTMLInputElement>('input').value = ''
    element('button').click()
    element<HTMLInputElement>('input').value = 'text'
    element('form').addEventListener('submit', (event) => event.preventDefault())
    element('button').click()
    await pass()
    expect(sent()).toEqual([])
  })

  it('that refreshes the page by itself sends nothing: two pages would answer each other for ever', async () => {
    const { sent } = await open(FORM)
    element('form').toggleAttribute('data-signal-refreshing', true)
    element<HTMLFormElement>('form').requestSubmit()
    await pass()
    expect(sent()).toEqual([])
  })

  it('is not sent by a click inside of it', async () => {
    const { sent } = await open(FORM)
    element('input').click()
    await pass()
    expect(sent()).toEqual([])
  })
})

describe('a meta element', () => {
  const META = `<meta data-signal-send="ReportIncome" data-signal-data='{"userId":123}'>`

  it('sends once what the server says with the page, before there is a client too', async () => {
    document.body.innerHTML = META
    bind()
    await pass()
    connect()
    await pass()
    document.body.append(document.createElement('p'))
    setPageClient(connect())
    await pass()
    expect(relay().sent('signal')).toMatchObject([{ signal: 'ReportIncome', data: { userId: 123 } }])
  })

  it('sends nothing on a page that a refresh has loaded, but what comes later sends', async () => {
    sessionStorage.setItem('signalpost refresh', '{"own":"reload","laps":1}')
    vi.spyOn(performance, 'getEntriesByType').mockReturnValue([{ type: 'reload' } as unknown as PerformanceEntry])
    const { sent } = await open(META)
    sessionStorage.clear()
    expect(sent()).toEqual([])
    document.body.insertAdjacentHTML('beforeend', META)
    await pass()
    expect(sent()).toHaveLength(1)
  })

  it('sends when it comes later, each for itself, and is told once when it is wrong', async () => {
    const { errors, sent } = await open('')
    document.body.innerHTML = `${META}${META}<meta data-signal-send="9">`
    await pass()
    document.body.append(document.createElement('p'))
    await pass()
    expect(sent()).toHaveLength(2)
    expect(errors).toEqual([expect.stringContaining('bad-name: meta: "9"')])
  })
})

describe('what is wrong', () => {
  it.each([
    [
      'data that is not JSON',
      'data-signal-send="A" data-signal-data="{userId:1}"',
      'bad-data: button#save: data-signal-data',
    ],
    ['a name that is not one', 'data-signal-send="9lives"', 'bad-name: button#save: "9lives" is not a name'],
    ['no name', 'data-signal-send=" "', 'bad-name: button#save: data-signal-send needs the name'],
    [
      'a room that is not one',
      'data-signal-send="A" data-signal-room="no room"',
      'bad-name: button#save: "no room" is not',
    ],
  ])('is told for %s, the element acts all the same, and the others send', async (_what, attributes, text) => {
    const { errors, sent } = await open(`
      <button id="save" type="button" ${attributes}>Save</button>
      <button id="good" type="button" data-signal-send="Good">Save</button>`)
    const event = new MouseEvent('click', { bubbles: true, cancelable: true })
    element('#save').dispatchEvent(event)
    element('#good').click()
    await pass()
    expect(errors).toEqual([expect.stringContaining(text)])
    expect([event.defaultPrevented, sent().map(({ name }) => name)]).toEqual([false, ['Good']])
  })

  it('is told when the page has no client', async () => {
    document.body.innerHTML = '<button data-signal-send="A">Save</button>'
    const { errors } = bind()
    element('button').click()
    await pass()
    expect(errors).toEqual([expect.stringContaining('no-client: button: Put data-url on the script tag')])
  })

  it('is told with its place also for a form with a field named id', async () => {
    const { errors } = await open('<form id="save" data-signal-send="9"><input name="id"></form>')
    element<HTMLFormElement>('form').requestSubmit()
    await pass()
    expect(errors).toEqual([expect.stringContaining('bad-name: form#save: "9"')])
  })

  it('never quotes the data', async () => {
    const { errors } = await open('<button data-signal-send="A" data-signal-data="hunter2">Save</button>')
    element('button').click()
    await pass()
    expect(errors.join()).not.toContain('hunter2')
    expect(errors).toHaveLength(1)
  })
})
