import { call, read } from '../../page/dom.js'
import type { Twins } from './twins.js'

/** Opens the fresh `<details>` as the old ones are, and keeps the scroll positions inside the element. */
export function keepView(old: Element, twins: Twins): () => void {
  const elements = [old, ...call(old, 'querySelectorAll', '*')]
  for (const element of elements) {
    const twin = element instanceof HTMLDetailsElement && twins.find(element)
    if (twin instanceof HTMLDetailsElement) twin.open = (element as HTMLDetailsElement).open
  }
  return keepScroll(elements, twins)
}

/** Keeps the positions of scrolled elements, or gives them to their twins. */
export function keepScroll(elements: Element[], twins?: Twins): () => void {
  const positions = elements.flatMap((element) => {
    const [left, top] = [read(element, 'scrollLeft'), read(element, 'scrollTop')]
    return left || top ? { element, twin: twins?.find(element), left, top } : []
  })
  return () => {
    for (const { element, twin, left, top } of positions) {
      const shown = read(element, 'isConnected') ? element : (twin as Element | undefined)
      const scrollTo: ((options: ScrollToOptions) => void) | undefined = shown && read(shown, 'scrollTo')
      scrollTo?.call(shown, { left, top, behavior: 'instant' })
    }
  }
}
