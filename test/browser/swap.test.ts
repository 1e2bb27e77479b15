import { expect, it } from 'vitest'
import { describeInChromium } from './chromium.js'
import { DONE, NOT_YET, usePartPages } from './part-page.js'

describeInChromium('a refreshed part of a page', () => {
  const open = usePartPages()

  const list = (...rows: string[]): string => `<table><tbody>${rows.join('')}</tbody></table>`
  const link = (id: number): string => `<tr><td>Order ${id}</td><td><a href="/del/${id}">Delete</a></td></tr>`
  const form = (id: number): string =>
    `<tr><td>Order ${id}</td><td><form action="/del"><input type="hidden" name="csrf_test_name" value="${Math.random()}">
    <input type="hidden" name="id" value="${id}"><button>Delete</button></form></td></tr>`
  const button = (id: number): string => `<tr><td>Order ${id}</td><td><button>Delete</button></td></tr>`
  const card = (id: number): string =>
    `<div class="card" data-order="${id}"><p>Order ${id}</p><button>Delete</button></div>`

  it.each<[string, (id: number) => string, string]>([
    ['a link', link, 'a'],
    ['the button of a form with a token', form, 'button'],
    ['a button of the page', button, 'button'],
    ['a button in an element with data', card, 'button'],
  ])('keeps the focus on %s of the same record, wherever it goes, and on no other', async (_what, row, selector) => {
    const { page, refresh, evaluate } = await open(
      list(row(2), row(3)).replaceAll(/<\/?t(able|body)>/g, row === card ? '' : '$&'),
    )
    const rows = (...ids: number[]): string => (row === card ? ids.map(row).join('') : list(...ids.map(row)))
    const focused = `document.activeElement.closest('tr, .card, body').textContent.match(/Order \\d/)?.[0]
      + document.activeElement.localName`
    await refresh(rows(2, 3, 9))
    await page.locator(`#part ${selector}`).nth(1).focus()
    await refresh(rows(1, 2, 3, 9))
    expect(await evaluate(focused)).toBe(`Order 3${selector}`)
    await refresh(rows(3, 4))
    expect(await evaluate(focused)).toBe(`Order 3${selector}`)
    await refresh(rows(4, 5))
    expect(await evaluate(`document.activeElement.localName`)).toBe('body')
  })

  it('leaves a text selected in the same record, and in no other', async () => {
    const { refresh, evaluate } = await open(list(link(2), link(3)))
    await refresh(list(link(2), link(3), link(9)))
    await evaluate(`getSelection().selectAllChildren(document.querySelectorAll('#part tr')[1].firstChild)`)
    await refresh(list(...[1, 2, 3].map(link)))
    expect(await evaluate('String(getSelection())')).toBe('Order 3')
    await refresh(list(...[1, 2, 4].map(link)))
    expect(await evaluate('String(getSelection())')).toBe('')
  })

  it.each([
    ['an edited field has the focus', '<input name="note">', `fill`],
    ['a button has the focus', '<button>Act</button>', `focus`],
    ['the page has a choice', '<select name="kind"><option>a<option>b</select>', ``],
  ])('does not scroll the page when %s', async (_what, field, act) => {
    const around = `<style>p { height: 900px }</style><p>above</p>$part<p id="below">below</p><p>below</p>`
    const html = (rows: number): string => `${field}<p>inside</p>${'<div>row</div>'.repeat(rows)}`
    const { page, refresh, evaluate } = await open(html(3), around)
    const control = page.locator('#part').locator('input, button, select')
    if (act === 'fill') await control.fill('typed')
    if (act === 'focus') await control.focus()
    let rows = 3
    for (const [next, top] of [
      [3, 0],
      [3, 1500],
      [4, 1500],
      [50, 1500],
      [50, 2500],
      [1, 900],
      [1, 1900],
      [7, 2200],
    ] as const) {
      await evaluate(
        `new Promise((resolve) => { scrollTo({ top: ${top}, behavior: 'instant' }); requestAnimationFrame(resolve) })`,
      )
      // The browser itself keeps what is below the part in its place.
      const place =
        rows === next || top < 1500 ? 'scrollY' : `document.querySelector('#below').getBoundingClientRect().top`
      const before = await evaluate(place)
      await refresh(html(next))
      await evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))')
      expect(await evaluate(place), `${rows} to ${next} rows at ${top}`).toBe(before)
      rows = next
    }
  })

  it('keeps the scroll positions of the elements around the part and inside of it', async () => {
    const around = `<div id="box" style="height: 200px; overflow: auto"><div style="height: 500px">above</div>$part<p style="height: 900px">below</p></div>`
    const html = (rows: number): string =>
      `<input name="note"><div id="inner" style="height: 50px; overflow: auto"><ul>${'<li>row</li>'.repeat(rows)}</ul></div>`
    const { page, refresh, evaluate } = await open(html(30), around)
    await page.locator('#part input').fill('typed')
    await evaluate(`box.scrollTop = 700, inner.scrollTop = 120`)
    await refresh(html(40))
    expect(await evaluate(`[box.scrollTop, inner.scrollTop, document.activeElement.value]`)).toEqual([
      700,
      120,
      'typed',
    ])
  })

  it('gives what was typed to the field of the same record, though all fields have one name', async () => {
    const row = (name: string, note: string): string =>
      `<tr><td>${name}</td><td><input name="qty[]"></td><td>${note}</td></tr>`
    const { page, refresh, evaluate } = await open(list(row('Ann', 'a'), row('Bob', 'b')))
    const values = `[...document.querySelectorAll('#part tr')].map((row) => row.cells[0].textContent + row.querySelector('input').value)`
    await page.locator('#part input').nth(1).fill('5')
    expect(await refresh(list(row('Ann', 'changed'), row('Bob', 'b')))).toBe(DONE)
    expect(await refresh(list(row('Bob', 'b'), row('Ann', 'a')))).toBe(DONE)
    expect(await evaluate(values)).toEqual(['Bob5', 'Ann'])
    expect(await refresh(list(row('Bob', 'late'), row('Ann', 'a')))).toBe(DONE)
    expect(await evaluate(values)).toEqual(['Bob5', 'Ann'])
    expect(await refresh(list(row('Ann', 'a'), row('Cid', 'c'), row('Dan', 'd')))).toBe(NOT_YET)
    expect(await evaluate(values)).toEqual(['Bob5', 'Ann'])
    expect(await evaluate('[action.guard(), action.wouldDiscard()]')).toEqual([true, true])
    expect(await refresh(list(row('Ann', 'a'), row('Cid', 'c'), row('Dan', 'd')))).toBe(DONE)
    expect(await evaluate(values)).toEqual(['Ann', 'Cid', 'Dan'])
  })

  it('keeps what a library of the page chose in a field without an event, and what was chosen before', async () => {
    const html = (note: string): string => `<p>${note}</p><select name="kind"><option>a<option>b<option>c</select>
      <input type="checkbox" name="all" checked><input name="date" readonly value="2026-01-01"><textarea name="note">x</textarea>`
    const { page, refresh, evaluate } = await open(html('1'))
    await page.locator('[name=date]').click()
    await evaluate(`{
      document.querySelector('[name=kind]').selectedIndex = 1
      document.querySelector('[name=all]').checked = false
      document.querySelector('[name=date]').value = '2026-12-31'
      document.querySelector('[name=note]').value = 'by a script'
    }`)
    await refresh(html('2'))
    await refresh(html('3'))
    expect(
      await evaluate(`[document.querySelector('#part p').textContent, ...['kind', 'date', 'note'].map((name) =>
      document.querySelector('[name=' + name + ']').value), document.querySelector('[name=all]').checked]`),
    ).toEqual(['3', 'b', '2026-12-31', 'by a script', false])
    // A choice that is not offered any more.
    expect(await refresh('<select name="kind"><option>a</select>')).toBe(NOT_YET)
  })

  it('keeps files, and the choice of a group that is partly outside', async () => {
    const html = (note: string): string =>
      `<p>${note}</p><input type="file" name="file"><input type="radio" form="outer" name="size" value="s" checked>`
    const { page, refresh, evaluate } = await open(
      html('1'),
      `<form id="outer"><input type="radio" name="size" value="m"></form>$part`,
    )
    await page.locator('[type=file]').setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') })
    await page.locator('[value=m]').click()
    await refresh(html('2'))
    expect(
      await evaluate(
        `[document.querySelector('[type=file]').files[0].name, new FormData(document.forms[0]).getAll('size')]`,
      ),
    ).toEqual(['a.txt', ['m']])
  })

  it('does not wait for the search box of a table that a script made', async () => {
    const { page, refresh, evaluate } = await open('<p>1</p>')
    await evaluate(
      `document.querySelector('#part').insertAdjacentHTML('afterbegin', '<input type="search" id="dt-search-0" aria-controls="t">')`,
    )
    await page.locator('#dt-search-0').fill('Bob')
    expect(await refresh('<p>2</p>')).toBe(DONE)
    expect(await evaluate(`document.querySelector('#part').textContent`)).toBe('2')
  })

  it('keeps what was typed into an element with a shadow tree', async () => {
    const define = `<script>
      customElements.define('x-note', class extends HTMLElement {
        connectedCallback() { if (!this.shadowRoot) this.attachShadow({ mode: 'open' }).innerHTML = '<input>' }
      })
      customElements.define('x-rating', class extends HTMLElement {
        static formAssociated = true
        value = '0'
      })</script>$part`
    const { page, refresh, evaluate } = await open(
      '<p>1</p><x-note id="n"></x-note><x-rating name="stars"></x-rating>',
      define,
    )
    await page.locator('x-note input').fill('typed')
    await evaluate(`document.querySelector('x-rating').value = '4'`)
    await refresh('<p>2</p><x-note id="n"></x-note><x-rating name="stars"></x-rating>')
    expect(
      await evaluate(`[document.querySelector('#part p').textContent, document.querySelector('x-note').shadowRoot.firstChild.value,
      document.querySelector('x-rating').value]`),
    ).toEqual(['2', 'typed', '4'])
  })

  it('parses the response as the browser parses a page', async () => {
    const { refresh, evaluate } = await open('<p>1</p>')
    await refresh(`<noscript><style>p { color: red }</style></noscript><p>2</p>
      <div id="host"><template shadowrootmode="open"><b>shadow</b></template></div>`)
    expect(
      await evaluate(`[getComputedStyle(document.querySelector('#part p')).color,
      document.querySelector('noscript').children.length, document.querySelector('#host').shadowRoot?.innerHTML]`),
    ).toEqual(['rgb(0, 0, 0)', 0, '<b>shadow</b>'])
  })

  it('leaves details open whose summary counts, wherever they go', async () => {
    const details = (name: string, count: number): string =>
      `<details><summary>${name} (${count})</summary>${count}</details>`
    const { page, refresh, evaluate } = await open(details('Orders', 1) + details('Bills', 1))
    await page.locator('summary').nth(1).click()
    await refresh(details('Notes', 3) + details('Orders', 1) + details('Bills', 2))
    expect(await evaluate(`[...document.querySelectorAll('details')].map(({ open }) => open)`)).toEqual([
      false,
      false,
      true,
    ])
  })

  it('touches nothing when the server renders what it rendered before', async () => {
    const html = (token: string, note: string): string =>
      `<form><input type="hidden" name="_token" value="${token}"></form><p>${note}</p>`
    const { refresh, evaluate } = await open(html('a', '1'))
    await evaluate(`document.querySelector('#part p').isFirst = true`)
    await refresh(html('b', '1'))
    expect(
      await evaluate(`[document.querySelector('#part p').isFirst, document.querySelector('[name=_token]').value]`),
    ).toEqual([true, 'b'])
    await refresh(html('c', '2'))
    await evaluate(`document.querySelector('#part p').textContent = 'by a script'`)
    await refresh(html('d', '2'))
    expect(
      await evaluate(`document.querySelector('#part').textContent + document.querySelector('[name=_token]').value`),
    ).toBe('by a scriptd')
    await refresh(html('e', '3'))
    expect(await evaluate(`document.querySelector('#part').textContent`)).toBe('3')
  })

  it('keeps an element that the page marks, and dispatches an event before and after', async () => {
    const html = (note: string): string => `<p>${note}</p><div id="map" data-signal-keep>empty</div>`
    const { refresh, evaluate } = await open(html('1'))
    await evaluate(`{
      window.events = []
      map.textContent = 'drawn'
      map.isFirst = true
      for (const type of ['before', 'after']) document.addEventListener('signalpost:' + type + '-swap', (event) => {
        const { old, fresh } = event.detail
        events.push([type, event.target.id, old.isConnected, fresh.isConnected, fresh.querySelector('p').textContent])
        if (type === 'before' && fresh.textContent.includes('3')) event.preventDefault()
      })
    }`)
    await refresh(html('2'))
    await refresh(html('3'))
    expect(await evaluate(`[document.querySelector('#part p').textContent, map.textContent, map.isFirst]`)).toEqual([
      '2',
      'drawn',
      true,
    ])
    expect(await evaluate('events')).toEqual([
      ['before', 'part', true, false, '2'],
      ['after', 'part', false, true, '2'],
      ['before', 'part', true, false, '3'],
    ])
    await refresh(html('4'))
    expect(await evaluate(`document.querySelector('#part p').textContent`)).toBe('4')
  })

  it('keeps a dialog that is open when the user asked for the refresh', async () => {
    const html = (note: string): string => `<p>${note}</p><dialog id="more"><input name="in">${note}</dialog>`
    const { page, refresh, evaluate } = await open(html('1'))
    await evaluate('more.showModal()')
    await page.locator('#more input').fill('typed')
    expect(await evaluate('[action.guard(), action.wouldDiscard()]')).toEqual([true, false])
    expect(await refresh(html('2'))).toBe(DONE)
    expect(
      await evaluate(
        `[document.querySelector('#part p').textContent, more.matches(':modal'), document.querySelector('[name=in]').value]`,
      ),
    ).toEqual(['2', true, 'typed'])
  })

  it('refreshes a dialog that nobody is in', async () => {
    const html = (note: string): string => `<p>${note}</p><dialog open id="cookies"><b>${note}</b></dialog>
      <div id="hidden" role="dialog" aria-modal="true" style="visibility: hidden"><b>${note}</b></div>`
    const { refresh, evaluate } = await open(html('1'))
    expect(await refresh(html('2'))).toBe(DONE)
    expect(await evaluate(`[...document.querySelectorAll('#part b')].map((b) => b.textContent)`)).toEqual(['2', '2'])
  })

  it('asks before it discards what was written into an editor that a script made', async () => {
    const { page, refresh, evaluate } = await open('<div class="editor"></div>')
    await evaluate(
      `document.querySelector('.editor').innerHTML = '<div class="ql-editor" contenteditable="true"></div>'`,
    )
    await page.locator('.ql-editor').click()
    await page.keyboard.type('a long text')
    expect(await refresh('<div class="editor"></div><p>2</p>')).toBe(NOT_YET)
    expect(await evaluate(`document.querySelector('.ql-editor').textContent`)).toBe('a long text')
    expect(await refresh('<div class="editor"></div><p>2</p>')).toBe(DONE)
  })

  it('keeps the caret, the focus and the content of an editable element', async () => {
    const html = (note: string): string => `<p>${note}</p><div contenteditable>rich</div>`
    const { page, refresh, evaluate } = await open(html('1'))
    await page.locator('[contenteditable]').click()
    await page.keyboard.press('End')
    await page.keyboard.type('er')
    await refresh(html('2'))
    await page.keyboard.type('!')
    expect(await evaluate(`document.querySelector('#part').textContent`)).toBe('2richer!')
  })

  it('leaves the caret in the frame of an editor that stays', async () => {
    const html = (note: string): string => `<p>${note}</p><div id="editor" data-signal-keep></div>`
    const { page, refresh } = await open(html('1'))
    await page.evaluate(`editor.innerHTML = '<iframe srcdoc="<body contenteditable>"></iframe>'`)
    const body = page.frameLocator('iframe').locator('body')
    await body.click()
    await page.keyboard.type('long')
    await refresh(html('2'))
    await page.keyboard.type(' text')
    expect(await body.textContent()).toBe('long text')
  })
})
