import { call, read } from '../../page/dom.js'
import type { Twins } from './twins.js'

/** Keeps open `<details>`, and the scroll positions inside an element that is about to be replaced. */
export function keepView(old: Element, twins: Twins): () => void {
  const elements = [old, ...call(old, 'querySelectorAll', '*')]
  const opened = elements.filter((element) => element instanceof HTMLDetailsElement)
  const open = opened.map((element) => [twins.find(element), element.open] as const)
  const scroll = keepScroll(elements, (element) => twins.find(element) as Element | undefined)
  return () => {
    for (const [twin, isOpen] of open) if (twin instanceof HTMLDetailsElement) twin.open = isOpen
    scroll()
  }
}

/** Keeps the positions of scrolled elements, or gives them to their twins. */
export function keepScroll(
  elements: Element[],
  twinOf = (element: Element): Element | undefined => element,
): () => void {
  const positions = elements
    .map((element) => ({ element, left: read(element, 'scrollLeft'), top: read(element, 'scrollTop') }))
    .filter(({ left, top }) => left || top)
    .map(({ element, left, top }) => ({ twin: twinOf(element), left, top }))
  return () => {
    for (const { twin, left, top } of positions) {
      const scrollTo: ((options: ScrollToOptions) => void) | undefined = twin && read(twin, 'scrollTo')
      scrollTo?.call(twin, { left, top, behavior: 'instant' })
    }
  }
}
