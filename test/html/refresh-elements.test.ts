import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { JsonValue } from '../../src/index.js'
import { pass } from '../support/mock-relay.js'
import { element, type Page, usePage } from './page.js'

const { open } = usePage()
/** What was fetched, in order. */
let fetched: string[] = []
/** What the server answers, by the end of the address; the page itself otherwise. */
let answers: Record<string, string> = {}

let addresses = 0

beforeEach(() => {
  // The clock of each test begins anew; answers that pages share belong to their own addresses.
  addresses += 1
  history.replaceState(null, '', `/page-${addresses}`)
  fetched = []
  answers = {}
  vi.stubGlobal('fetch', (url: string) => {
    fetched.push(url)
    const text = Object.entries(answers).find(([end]) => url.endsWith(end))?.[1] ?? ''
    return Promise.resolve(new Response(text, { headers: { 'Content-Type': 'text/html' } }))
  })
})

const REPORT = '<div id="report" data-signal-refresh="ReportIncome">old</div>'

async function refresh({ relay }: Page, name = 'ReportIncome', data: JsonValue = {}, room = 'main'): Promise<void> {
  relay.deliver(name, { data, room })
  await pass(2000)
}

/** Every room that the page asked for, in order. */
function roomsOf({ relay }: Page): string[] {
  return [...relay.sent('hello').flatMap(({ rooms }) => rooms), ...relay.sent('join')].map(({ room }) => room)
}

describe('an element', () => {
  it('is replaced by what the page shows now, again and again', async () => {
    const page = await open(REPORT)
    answers[''] = `<p>else</p>${REPORT.replace('old', 'new')}`
    await refresh(page)
    expect(document.body.innerHTML).toBe(REPORT.replace('old', 'new'))
    answers[''] = REPORT.replace('old', 'newer')
    await refresh(page)
    expect(element('#report').textContent).toBe('newer')
    expect(fetched).toEqual([location.href, location.href])
    expect(page.errors).toEqual([])
  })

  it('is fetched by the function of the page, and so is the response to a form that posts', async () => {
    const form = `<form method="post" action="/filter" data-signal-refresh="ReportIncome"></form>`
    const asked: (string | undefined)[][] = []
    // The response to the form may bring its own address.
    const { pathname } = location
    const page = await open(REPORT + form, {
      fetch(url, init) {
        asked.push([new URL(url).pathname, init.method])
        return fetch(url, init)
      },
    })
    answers[''] = REPORT.replace('old', 'new')
    await refresh(page)
    expect(element('#report').textContent).toBe('new')
    expect(asked).toEqual([
      [pathname, undefined],
      ['/filter', 'POST'],
    ])
  })

  it('is replaced by a fragment, which need not repeat the attributes', async () => {
    const page = await open(
      '<ul id="report" data-signal-refresh="ReportIncome" data-signal-src="/rows" data-signal-where="n=1"></ul>',
    )
    answers['/rows'] = '<ul id="report"><li>new</li></ul>'
    await refresh(page, 'ReportIncome', { n: 1 })
    await refresh(page, 'ReportIncome', { n: 2 })
    await refresh(page, 'ReportIncome', { n: 1 })
    expect(fetched).toHaveLength(2)
    expect(element('#report').outerHTML).toBe(
      '<ul id="report" data-signal-refresh="ReportIncome" data-signal-src="/rows" data-signal-where="n=1"><li>new</li></ul>',
    )
  })

  it('keeps to the attributes that a fragment brings', async () => {
    const rows = (name: string): string =>
      `<ul id="report" data-signal-refresh="${name}" data-signal-src="/${name}"></ul>`
    const page = await open(rows('One'))
    answers['/One'] = rows('Two')
    answers['/Two'] = rows('Three')
    await refresh(page, 'One')
    await refresh(page, 'One')
    await refresh(page, 'Two')
    expect(fetched.map((url) => new URL(url).pathname)).toEqual(['/One', '/Two'])
    expect(document.body.innerHTML).toBe(rows('Three'))
  })

  it('misses nothing that comes while it is replaced', async () => {
    const page = await open(REPORT)
    answers[''] = REPORT.replace('old', 'new')
    page.relay.deliver('ReportIncome')
    await pass(151)
    // The old element has gone in this moment; the next signal is for the fresh one.
    expect(element('#report').textContent).toBe('new')
    answers[''] = REPORT.replace('old', 'newest')
    await refresh(page)
    expect(element('#report').textContent).toBe('newest')
  })

  it('hears several names, and none of the others', async () => {
    const page = await open(REPORT.replace('ReportIncome', 'ReportIncome, Rates'))
    await refresh(page, 'Other')
    expect(fetched).toEqual([])
    await refresh(page, 'Rates')
    await refresh(page)
    expect(fetched).toHaveLength(2)
  })

  it('hears the room that it names, or the nearest element around it', async () => {
    const page = await open(`<main data-signal-room="team:7">${REPORT}</main>`)
    expect(roomsOf(page)).toEqual(['team:7', 'main'])
    await refresh(page)
    expect(fetched).toEqual([])
    await refresh(page, 'ReportIncome', {}, 'team:7')
    expect(fetched).toHaveLength(1)
  })

  it('on a page with 50 of them costs one connection, one fetch for each address and burst, and no room twice', async () => {
    const html = Array.from({ length: 50 }, (_, n) => REPORT.replace('report', `report-${n}`)).join('')
    const page = await open(html)
    answers[''] = html.replaceAll('old', 'new')
    for (let n = 0; n < 20; n += 1) page.relay.deliver('ReportIncome')
    await pass(2000)
    expect(fetched).toHaveLength(1)
    expect(document.body.innerHTML).toBe(html.replaceAll('old', 'new'))
    expect([page.relay.sockets.length, page.relay.sent('hello').length]).toEqual([1, 1])
    expect(roomsOf(page)).toEqual(['main'])
  })
})

describe('a form', () => {
  it('is submitted', async () => {
    const page = await open('<form novalidate data-signal-refresh="ReportIncome"><input name="from"></form>')
    const submitted = vi.fn((event: Event) => event.preventDefault())
    element('form').addEventListener('submit', submitted)
    await refresh(page)
    expect(submitted).toHaveBeenCalledTimes(1)
  })

  it('that takes the place of another is the one that is submitted', async () => {
    const html = '<form id="filter" novalidate data-signal-refresh="ReportIncome"></form>'
    const page = await open(html)
    const submitted = vi.fn((event: Event) => event.preventDefault())
    const old = element('form')
    old.addEventListener('submit', submitted)
    document.body.innerHTML = html
    const fresh = element('form')
    fresh.addEventListener('submit', submitted)
    await pass()
    await refresh(page)
    expect(submitted.mock.calls.map(([{ target }]) => target === fresh)).toEqual([true])
  })
})

describe('the page', () => {
  it('is loaded again', async () => {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    const page = await open('')
    document.body.dataset.signalRefresh = 'ReportIncome'
    await pass()
    await refresh(page)
    expect(reload).toHaveBeenCalledTimes(1)
  })
})

describe('a condition', () => {
  it.each([
    ['userId=123', { userId: 123 }, true],
    ['userId=123', { userId: '123' }, true],
    ['userId=123', { userId: 124 }, false],
    ['userId=1e2', { userId: 100 }, true],
    ['userId=', { userId: 0 }, false],
    ['userId=', { userId: '' }, true],
    [' region = North Sea , userId=1', { region: 'North Sea', userId: 1 }, true],
    ['region=North Sea,userId=1', { region: 'North Sea', userId: 2 }, false],
    ['isPaid=true', { isPaid: true }, true],
    ['paidAt=null', { paidAt: null }, true],
    ['formula=a=b', { formula: 'a=b' }, true],
    ['userId=123', {}, false],
    ['userId=undefined', {}, false],
    ['user=[object Object]', { user: {} }, false],
    ['list=1', { list: [1] }, false],
    ['toString=x', { other: 1 }, false],
    ['constructor=function Object() { [native code] }', {}, false],
  ])('%s, of %j, is %s', async (where, data, isTrue) => {
    const page = await open(REPORT.replace('>', ` data-signal-where="${where}">`))
    await refresh(page, 'ReportIncome', data)
    expect([fetched.length, page.errors.filter((text) => text.startsWith('bad'))]).toEqual([Number(isTrue), []])
  })

  it.each([['userId'], ['=123'], ['userId=1,'], ['']])(
    'like "%s" is told, once, and refreshes nothing',
    async (where) => {
      const page = await open(`${REPORT.replace('>', ` data-signal-where="${where}">`)}`)
      document.body.append(document.createElement('p'))
      await refresh(page, 'ReportIncome', { userId: 1 })
      expect(page.errors).toEqual([expect.stringContaining('bad-option: div#report: data-signal-where is like')])
      expect(fetched).toEqual([])
    },
  )
})

describe('what comes, goes and changes later', () => {
  it('is heard, let go, and heard otherwise', async () => {
    const page = await open('')
    document.body.innerHTML = `<main>${REPORT}</main>`
    await pass()
    await refresh(page)
    expect(fetched).toHaveLength(1)

    element('#report').dataset.signalRefresh = 'Rates'
    await pass()
    await refresh(page)
    expect(fetched).toHaveLength(1)
    await refresh(page, 'Rates')
    expect(fetched).toHaveLength(2)

    element('main').remove()
    await pass()
    await refresh(page, 'Rates')
    expect(fetched).toHaveLength(2)
  })

  it('owes what it owed before, pending or on its way, when its attributes change', async () => {
    const page = await open(REPORT)
    answers[''] = REPORT.replace('ReportIncome', 'ReportIncome Rates')
    page.relay.deliver('ReportIncome')
    await pass(10)
    element('#report').dataset.signalRefresh = 'ReportIncome Rates'
    await pass(2000)
    expect(fetched).toHaveLength(1)

    vi.stubGlobal('fetch', (url: string, { signal }: RequestInit) => {
      fetched.push(url)
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    })
    page.relay.deliver('ReportIncome')
    await pass(2000)
    element('#report').dataset.signalRefresh = 'Rates'
    await pass(2000)
    expect(fetched).toHaveLength(3)
    element('#report').remove()
    await pass(5000)
    expect([fetched.length, page.errors]).toEqual([3, []])
  })

  it('is refreshed when it comes back after a signal that it has missed, and only then', async () => {
    const page = await open(REPORT)
    const report = element('#report')
    report.remove()
    await pass()
    await refresh(page, 'Other')
    document.body.append(report.cloneNode(true))
    await pass(2000)
    expect(fetched).toEqual([])

    element('#report').remove()
    await pass()
    await refresh(page)
    document.body.append(report)
    await pass(2000)
    expect(fetched).toHaveLength(1)
  })

  it('is refreshed when a script adds it soon after a signal, which its HTML may lack', async () => {
    const page = await open('<p>Menu</p>')
    await refresh(page)
    document.body.insertAdjacentHTML('beforeend', REPORT)
    await pass(2000)
    expect(fetched).toHaveLength(1)

    element('#report').remove()
    await pass(11_000)
    document.body.insertAdjacentHTML('beforeend', REPORT.replace('report', 'late'))
    await pass(2000)
    expect(fetched).toHaveLength(1)
  })

  it('is not refreshed because its attributes change soon after a signal', async () => {
    const page = await open(REPORT)
    await refresh(page)
    element('#report').dataset.signalWhere = 'userId=123'
    await pass(2000)
    expect(fetched).toHaveLength(1)
  })

  it('names one way to its content, an address or a form', async () => {
    const page = await open(
      '<div id="report" data-signal-refresh="A" data-signal-src="/rows" data-signal-form="#f"></div>',
    )
    expect(page.errors).toEqual([expect.stringMatching(/^bad-option: div#report: .*"url" or "form"/)])
  })

  it('may change the room of what is inside', async () => {
    const page = await open(`<main>${REPORT}</main>`)
    element('main').dataset.signalRoom = 'team:7'
    await pass()
    await refresh(page)
    expect(fetched).toEqual([])
    await refresh(page, 'ReportIncome', {}, 'team:7')
    expect(fetched).toHaveLength(1)
    element('main').removeAttribute('data-signal-room')
    await pass()
    expect(page.relay.sent('leave').map(({ room }) => room)).toEqual(['team:7'])
  })

  it('is one registration for as long as it says the same', async () => {
    document.body.innerHTML = ''
    const page = await open(REPORT)
    const receive = vi.spyOn(page.client, 'receiveSignal')
    for (const text of ['1', '2', '3']) {
      document.body.innerHTML = REPORT.replace('old', text)
      await pass()
    }
    expect(receive).not.toHaveBeenCalled()
  })
})

describe('what is wrong', () => {
  it.each([
    ['a name that is not one', '<div id="bad" data-signal-refresh="9lives"></div>', 'bad-name: div#bad: "9lives"'],
    ['no name', '<div id="bad" data-signal-refresh></div>', 'bad-name: div#bad: data-signal-refresh needs'],
    ['no id', '<div data-signal-refresh="A"></div>', 'bad-option: div: The element needs a unique id'],
    [
      'a room that is not one',
      '<div id="bad" data-signal-refresh="A" data-signal-room="a b"></div>',
      'bad-name: div#bad: "a b"',
    ],
    ['an id that is there twice', `${REPORT}${REPORT}`, 'bad-option: div#report: The element needs a unique id'],
  ])('is told once for %s, and the others are refreshed', async (_what, html, text) => {
    const page = await open(`${html}${REPORT.replace('report', 'good')}`)
    document.body.append(document.createElement('p'))
    await pass()
    answers[''] = REPORT.replace('report', 'good').replace('old', 'new')
    expect(page.errors).toEqual([expect.stringContaining(text)])
    await refresh(page)
    expect(element('#good').textContent).toBe('new')
  })

  it('is told once when it is one failed fetch of many elements', async () => {
    const page = await open(Array.from({ length: 50 }, (_, n) => REPORT.replace('report', `report-${n}`)).join(''))
    vi.stubGlobal(
      'fetch',
      () => new Promise((_resolve, reject) => setTimeout(() => reject(new TypeError('no network')), 100)),
    )
    await refresh(page)
    expect(page.errors).toEqual([expect.stringContaining('refresh-failed: div#report-0: A refresh failed')])
  })

  it('keeps the old content, tells with the place, and tries again at the next signal', async () => {
    const page = await open(REPORT)
    answers[''] = '<form>Sign in</form>'
    await refresh(page)
    expect(element('#report').textContent).toBe('old')
    expect(page.errors).toEqual([expect.stringContaining('refresh-failed: div#report: The response')])
    answers[''] = REPORT.replace('old', 'new')
    await refresh(page)
    expect(element('#report').textContent).toBe('new')
  })
})
