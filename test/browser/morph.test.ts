import { expect, it } from 'vitest'
import { describeInChromium } from './chromium.js'
import { DONE, NOT_YET, usePartPages } from './part-page.js'

describeInChromium('a morphed part of a page', () => {
  const open = usePartPages('{ swap: Signalpost.morph }')

  const row = (id: number, note = ''): string =>
    `<tr><td>Order ${id}</td><td class="note">${note}</td><td><input name="qty[]"><a href="/del/${id}">Delete</a></td></tr>`
  const list = (...rows: string[]): string => `<table><tbody>${rows.join('')}</tbody></table>`

  it('keeps the elements of the same records, and no others', async () => {
    const { page, refresh, evaluate } = await open(list(row(1), row(2), row(3)))
    await evaluate(`for (const row of document.querySelectorAll('#part tr')) row.was = row.cells[0].textContent`)
    await page.locator('#part a').nth(1).focus()
    expect(await refresh(list(row(9), row(2, 'new'), row(3), row(4)))).toBe(DONE)
    expect(
      await evaluate(
        `[...document.querySelectorAll('#part tr')].map((row) => [row.cells[0].textContent, row.was, row.cells[1].textContent])`,
      ),
    ).toEqual(
      [
        ['Order 9', null, ''],
        ['Order 2', 'Order 2', 'new'],
        ['Order 3', 'Order 3', ''],
        ['Order 4', null, ''],
      ].map(([text, was, note]) => [text, was ?? undefined, note]),
    )
    expect(await evaluate(`document.activeElement.getAttribute('href')`)).toBe('/del/2')
    await refresh(list(row(9), row(5)))
    expect(await evaluate(`document.activeElement.localName`)).toBe('body')
  })

  it('keeps what scripts have changed and the server has not, and takes what the server has changed', async () => {
    const html = (state: string, total: number): string => `
      <h2 class="head collapsed" aria-expanded="false">Orders</h2><div class="collapse ${state}">inside</div>
      <b class="total">${total}</b><i class="script">0</i><p class="gone">${total}</p>`
    const { refresh, evaluate } = await open(html('', 1))
    await evaluate(`{
      const part = document.querySelector('#part')
      part.querySelector('.head').className = 'head'
      part.querySelector('.head').setAttribute('aria-expanded', 'true')
      part.querySelector('.collapse').classList.add('show')
      part.querySelector('.script').textContent = 'counted'
      part.querySelector('.script').insertAdjacentHTML('afterend', '<span class="tooltip">Help</span>')
      window.clicks = 0
      part.querySelector('.head').addEventListener('click', () => (clicks += 1))
    }`)
    await refresh(html('', 2))
    await refresh(html('', 3).replace(/<p.*/, ''))
    await evaluate(`document.querySelector('.head').click()`)
    expect(
      await evaluate(`[...['.head', '.collapse', '.total', '.script', '.tooltip', '.gone'].map((selector) => {
        const found = document.querySelector('#part ' + selector)
        return found && found.className.trim() + ':' + found.textContent
      }), document.querySelector('.head').ariaExpanded, clicks]`),
    ).toEqual(['head:Orders', 'collapse show:inside', 'total:3', 'script:counted', 'tooltip:Help', null, 'true', 1])
    await refresh(html('paid', 3))
    expect(await evaluate(`document.querySelector('.collapse').className`)).toBe('collapse paid')
  })

  it('keeps what the user entered, and takes the fresh values of the other fields', async () => {
    const html = (value: string, note: string): string =>
      `<p>${note}</p><input name="a" value="${value}"><input name="b" value="${value}"><select name="c"><option>x<option>y</select>
      <textarea name="d">${value}</textarea><input type="checkbox" name="e">`
    const { page, refresh, evaluate } = await open(html('1', '1'))
    await page.locator('[name=a]').fill('typed')
    await page.locator('[name=c]').selectOption('y')
    await page.locator('[name=e]').check()
    await refresh(html('2', '2'))
    expect(
      await evaluate(
        `[...document.querySelectorAll('#part :is(input:not([type]), select, textarea)')].map(({ value }) => value)`,
      ),
    ).toEqual(['typed', '2', 'y', '2'])
    expect(await evaluate(`document.querySelector('[name=e]').checked`)).toBe(true)
    await refresh(html('3', '3'))
    expect(
      await evaluate(
        `[...document.querySelectorAll('#part :is(input:not([type]), select, textarea)')].map(({ value }) => value)`,
      ),
    ).toEqual(['typed', '3', 'y', '3'])
    expect(await refresh('<p>4</p>')).toBe(NOT_YET)
    expect(await evaluate('document.activeElement.name')).toBe('e')
  })

  it('keeps scroll positions, open details, and an element that the page marks', async () => {
    const html = (note: string): string => `<p>${note}</p><details><summary>More (${note})</summary>${note}</details>
      <div id="inner" style="height: 50px; overflow: auto"><p style="height: 500px">${note}</p></div><div id="map" data-signal-keep></div>`
    const { page, refresh, evaluate } = await open(html('1'))
    await page.locator('summary').click()
    await evaluate(`inner.scrollTop = 120, map.textContent = 'drawn'`)
    await refresh(html('2'))
    expect(
      await evaluate(
        `[document.querySelector('#part p').textContent, document.querySelector('details').open, inner.scrollTop, map.textContent]`,
      ),
    ).toEqual(['2', true, 120, 'drawn'])
  })

  it('is what the attribute asks for', async () => {
    const { evaluate, page } = await open(
      '<p>1</p>',
      `<div id="report" data-signal-refresh="ReportIncome" data-signal-swap="morph"></div>$part`,
    )
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    await evaluate(`void (Signalpost.createSignalClient({ url: 'ws://localhost:9/' }), 1)`)
    await evaluate(`Promise.resolve()`)
    expect(errors.filter((message) => message.includes('morph'))).toEqual([])
    await evaluate(`{ delete Signalpost.morph; report.dataset.signalRefresh = 'Other' }`)
    await expect.poll(() => errors.join()).toContain('signalpost-morph.min.js')
  })
})
