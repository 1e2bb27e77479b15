import { beforeEach, describe, expect, it, vi } from 'vitest'
import { pass } from '../support/mock-relay.js'
import { element, usePage } from './page.js'

const { open, bind } = usePage()
let fetched: string[] = []
let answer = ''
let addresses = 0

beforeEach(() => {
  addresses += 1
  history.replaceState(null, '', `/user-content-${addresses}`)
  fetched = []
  vi.stubGlobal('fetch', (url: string) => {
    fetched.push(url)
    return Promise.resolve(new Response(answer, { headers: { 'Content-Type': 'text/html' } }))
  })
})

/** What a user can write where a sanitiser leaves data-* attributes. */
const COMMENT = `<div id="c1" data-signal-refresh="ReportIncome" data-signal-src="/uploads/7"></div>
  <form id="c2" data-signal-refresh="ReportIncome" action="/logout" method="post"><button>Log out</button></form>
  <a id="c3" href="#here" data-signal-send="Paid" data-signal-data="[7]">Look</a>
  <form id="c4" data-signal-send="Paid"><button type="submit">Save</button></form>
  <p id="c5" data-signal-refresh="ReportIncome" data-signal-room="secret"></p>
  <output id="c6" data-signal-status></output>
  <meta data-signal-send="Paid">`

describe('user content', () => {
  it('S58 does nothing inside of data-signal-ignore', async () => {
    const page = await open(`<div data-signal-ignore>${COMMENT}</div>`)
    const submitted = vi.fn((event: Event) => event.preventDefault())
    document.addEventListener('submit', submitted, { once: true })
    page.relay.deliver('ReportIncome')
    page.relay.deliver('ReportIncome', { room: 'secret' })
    await pass(2000)
    expect(submitted).not.toHaveBeenCalled()
    element('#c3').click()
    element('#c4 button').click()
    await pass(100)
    expect([fetched, page.sent(), page.errors]).toEqual([[], [], []])
    expect(JSON.stringify([page.relay.sent('hello'), page.relay.sent('join')])).not.toContain('secret')
    expect(element('#c6').textContent).toBe('')
  })

  it('S58 does nothing where its element itself has data-signal-ignore', async () => {
    const page = await open('<button data-signal-send="Paid" data-signal-ignore>Look</button>')
    element('button').click()
    await pass(100)
    expect(page.sent()).toEqual([])
  })

  it('S58 does nothing any more once its element gets data-signal-ignore', async () => {
    const page = await open('<article><div id="c1" data-signal-refresh="ReportIncome"></div></article>')
    element('article').setAttribute('data-signal-ignore', '')
    await pass(100)
    page.relay.deliver('ReportIncome')
    await pass(2000)
    expect(fetched).toEqual([])
  })

  it('S58 leaves the element around it what that element sends', async () => {
    const page = await open('<div data-signal-send="Seen"><p data-signal-ignore data-signal-send="Paid">Look</p></div>')
    element('p').click()
    await pass(100)
    expect(page.sent().map(({ name }) => name)).toEqual(['Seen'])
  })

  it('S59 does not inherit the attributes of an element that goes', async () => {
    const page = await open(`<nav><div id="report" data-signal-refresh="A" data-signal-src="/rows"></div></nav>
      <article><b id="report"></b></article>`)
    element('nav div').remove()
    await pass(100)
    expect(element('b').hasAttribute('data-signal-refresh')).toBe(false)
    expect(page.errors).toEqual([])
  })

  it('S54 fetches nothing from another origin', async () => {
    const page = await open(
      `<div id="c1" data-signal-refresh="ReportIncome" data-signal-src="data:text/html,<img src=x onerror=alert(1)>"></div>`,
    )
    page.relay.deliver('ReportIncome')
    await pass(2000)
    expect([fetched, page.errors]).toEqual([[], [expect.stringContaining('div#c1: A refresh stays on')]])
  })

  it('S56 fetches from an origin that the page allows', async () => {
    document.body.innerHTML =
      '<div id="c1" data-signal-refresh="ReportIncome" data-signal-src="https://reports.example/rows"></div>'
    answer = '<div id="c1" data-signal-refresh="Other">new<b data-signal-send="Paid"></b></div>'
    const html = document.body.innerHTML
    const page = await open(html)
    bind().stop()
    const { errors } = bind({ origins: ['https://reports.example'] })
    page.relay.deliver('ReportIncome')
    await pass(2000)
    expect([fetched, errors]).toEqual([['https://reports.example/rows'], []])
    expect(element('#c1').outerHTML).toBe(
      '<div id="c1" data-signal-refresh="ReportIncome" data-signal-src="https://reports.example/rows">new<b></b></div>',
    )
  })

  it('costs time in proportion to the length of its attributes', async () => {
    const page = await open(`<div id="c1" data-signal-refresh="A" data-signal-where="a=${' '.repeat(300_000)}b"></div>`)
    expect(page.errors).toEqual([])
  })
})
