import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { replaceElement, submitForm } from '../../src/refresh/index.js'
import { pass } from '../support/mock-relay.js'
import { openPage } from './refresh-page.js'

let page: Awaited<ReturnType<typeof openPage>>
let asked: string[]
/** Where a redirect leads to. */
let redirect: string | undefined
let answer: string
let count = 0

beforeEach(async () => {
  page = await openPage()
  asked = []
  redirect = undefined
  answer = '<section id="report">new</section>'
  // Each test begins at the same fake time: an answer of the last one must not seem to be a fresh one.
  history.replaceState(null, '', `?origins=${(count += 1)}`)
  document.body.innerHTML = '<section id="report">old</section>'
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url)
    const headers = new Headers({ 'Content-Type': 'text/html' })
    const place = { redirected: redirect !== undefined, url: redirect ?? url }
    return Promise.resolve({
      ok: true,
      status: 200,
      headers,
      ...place,
      arrayBuffer: () => Promise.resolve(new TextEncoder().encode(answer).buffer),
    })
  })
})

afterEach(async () => {
  expect(await page.close()).toBe(0)
})

async function deliver(): Promise<void> {
  page.relay.deliver('ReportIncome')
  await pass(1200)
}

const text = (): string | null | undefined => document.querySelector('#report')?.textContent
const messages = (): string[] => page.errors.map(({ message }) => message)

const FOREIGN = [
  `data:text/html,<section id="report">new</section>`,
  'javascript:void(0)',
  'blob:http://localhost:3000/7',
  'file:///etc/passwd',
  'http://reports.example/rows',
  '//reports.example/rows',
  'https://reports.example/rows',
]

describe('an element', () => {
  it.each(FOREIGN)('S54 is not fetched from %s', async (url) => {
    page.refresh(replaceElement('#report', { url }))
    await deliver()
    expect([asked, text()]).toEqual([[], 'old'])
    expect(messages()).toEqual([
      expect.stringMatching(/^A refresh stays on http:\/\/localhost:3000; .*data-origins\.$/),
    ])
  })

  it('S55 is not replaced by what a redirect to another origin brings', async () => {
    redirect = 'https://reports.example/rows'
    page.refresh(replaceElement('#report', { url: '/rows' }))
    await deliver()
    expect([asked.length, text()]).toEqual([1, 'old'])
    expect(messages()).toEqual([expect.stringContaining('is another page')])
    dispatchEvent(new KeyboardEvent('keydown'))
  })

  it('S55 is not replaced by what a redirect from an allowed origin to another one brings', async () => {
    redirect = 'https://evil.example/rows'
    page.refresh(
      replaceElement('#report', { url: 'https://reports.example/rows', origins: ['https://reports.example'] }),
    )
    await deliver()
    expect([asked.length, text()]).toEqual([1, 'old'])
    dispatchEvent(new KeyboardEvent('keydown'))
  })

  it('S56 is fetched from an allowed origin, whose attributes and those of its forms say nothing', async () => {
    answer = `<section id="report" data-signal-refresh="A" data-other="kept">new<form data-signal-send="B"><input
      name="getAttributeNames"><input name="removeAttribute"></form></section>`
    page.refresh(
      replaceElement('#report', { url: 'https://reports.example/rows', origins: ['https://reports.example'] }),
    )
    await deliver()
    expect(asked).toEqual(['https://reports.example/rows'])
    expect(document.querySelectorAll('[data-signal-refresh], [data-signal-send]')).toHaveLength(0)
    expect(document.querySelector('#report')?.getAttribute('data-other')).toBe('kept')
    expect(messages()).toEqual([])
  })

  it('keeps the attributes that the own server sends', async () => {
    answer = '<section id="report" data-signal-send="A">new</section>'
    page.refresh(replaceElement('#report', { url: '/rows' }))
    await deliver()
    expect(document.querySelector('#report')?.getAttribute('data-signal-send')).toBe('A')
  })
})

describe('a form', () => {
  let submitted: string[]

  function open(html: string): HTMLFormElement {
    document.body.innerHTML = html
    const [form] = document.querySelectorAll('form')
    if (!form) throw new Error('There is no form.')
    submitted = []
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      submitted.push(String(event.submitter?.textContent))
    })
    return form
  }

  it.each([
    ['whose action is', '<form action="https://evil.example/"><button>Show</button></form>'],
    ['whose action is a script on', '<form action="javascript:alert(1)"><button>Show</button></form>'],
    [
      'whose first button leads to',
      '<form action="/here"><button formaction="https://evil.example/">Show</button></form>',
    ],
  ])('S57 %s another origin is not submitted', async (_what, html) => {
    page.refresh(submitForm(open(html)))
    await deliver()
    expect(submitted).toEqual([])
    expect(messages()).toEqual([expect.stringContaining('A refresh stays on')])
  })

  it('S57 is submitted to an allowed origin', async () => {
    page.refresh(
      submitForm(open('<form action="https://reports.example/"></form>'), { origins: ['https://reports.example'] }),
    )
    await deliver()
    expect([submitted.length, messages()]).toEqual([1, []])
  })

  it('S57 is not submitted by a button that user content adds to it', async () => {
    const form = open(`<p data-signal-ignore><button form="filter" formaction="/logout">User</button></p>
      <form id="filter"><button>Show</button></form>`)
    page.refresh(submitForm(form))
    await deliver()
    expect(submitted).toEqual(['Show'])
  })
})

it.each([['https://reports.example/'], ['reports.example'], ['ftp://reports.example'], [7]])(
  'the list of origins does not take %s',
  (origin) => {
    const origins = [origin] as string[]
    for (const make of [() => replaceElement('#report', { origins }), () => submitForm('#report', { origins })]) {
      expect(make).toThrow('The option "origins" takes a list of origins like https://reports.example, without a path.')
    }
  },
)
