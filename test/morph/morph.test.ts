import { beforeEach, expect, it, vi } from 'vitest'
import { morph } from '../../src/morph/morph.js'
import { prepareSwap } from '../../src/refresh/swap/swap.js'
import { matchTwins } from '../../src/refresh/swap/twins.js'

/** The real pages of the browser tests have the widgets; these tests name the single rules. */

beforeEach(() => {
  document.body.innerHTML = `
    <section id="report">
      <p id="total" class="plain">10</p>
      <ul><li id="a">A</li><li id="b">B</li></ul>
    </section>`
})

const find = (selector: string): Element => {
  const found = document.querySelector(selector)
  if (!found) throw new Error(`There is no ${selector}.`)
  return found
}

function parse(html: string): Element {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content.firstElementChild as Element
}

function swapIn(html: string): void {
  const [old, fresh] = [find('#report'), parse(html)]
  const context = { find: matchTwins(old, fresh).find, kept: new Map(), edited: [], match: matchTwins }
  morph(old, fresh, context)
}

it('changes texts and attributes, and keeps the elements', () => {
  const [total, second] = [find('#total'), find('#b')]
  morph.prepare?.(find('#report'))
  swapIn('<section id="report"><p id="total" class="high">20</p><ul><li id="b">B2</li></ul></section>')
  expect([find('#total'), find('#b')]).toEqual([total, second])
  expect([total.textContent, total.className, second.textContent]).toEqual(['20', 'high', 'B2'])
  expect(document.querySelector('#a')).toBeNull()
})

it('keeps what scripts have changed and the server has not', () => {
  morph.prepare?.(find('#report'))
  find('#total').setAttribute('data-tooltip', 'yes')
  find('#total').classList.add('animated')
  find('#b').textContent = 'B, as a script shows it'
  find('ul').append(parse('<li id="widget">a widget</li>'))
  swapIn('<section id="report"><p id="total" class="plain">20</p><ul><li id="a">A</li><li id="b">B</li></ul></section>')
  expect(find('#total').outerHTML).toBe('<p id="total" class="plain animated" data-tooltip="yes">20</p>')
  expect([find('#b').textContent, find('#widget').textContent]).toEqual(['B, as a script shows it', 'a widget'])
})

it('leaves an element alone that is kept', () => {
  const first = find('#a')
  const html = '<section id="report"><p id="total">20</p><ul><li id="a">changed</li><li id="b">B</li></ul></section>'
  const [old, fresh] = [find('#report'), parse(html)]
  const twin = fresh.querySelector('#a') as Element
  morph(old, fresh, {
    find: matchTwins(old, fresh).find,
    kept: new Map([[first, twin]]),
    edited: [],
    match: matchTwins,
  })
  expect([find('#a') === first, first.textContent, find('#total').textContent]).toEqual([true, 'A', '20'])
})

it('replaces an element that the parser may still fill', () => {
  const old = find('#report')
  const html = '<section id="report"><p id="total">20</p></section>'
  vi.spyOn(Object.getPrototypeOf(document) as Document, 'readyState', 'get').mockReturnValue('loading')
  const shown = prepareSwap(old, parse(html), morph).run()
  expect([old.isConnected, shown.outerHTML]).toEqual([false, html])
  vi.restoreAllMocks()
  prepareSwap(shown, parse(html.replace('20', '30')), morph).run()
  expect([shown.isConnected, find('#total').textContent]).toEqual([true, '30'])
})
