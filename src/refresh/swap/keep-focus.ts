import { call, read } from '../../page/dom.js'
import { isField } from '../../page/field-content.js'
import type { Twins } from './twins.js'

/** Keeps the focus, the caret and the selection in an element that is about to be replaced. */
export function keepFocus(old: Element, twins: Twins): () => void {
  const { anchorNode, anchorOffset = 0, focusNode, focusOffset = 0 } = getSelection() ?? {}
  const active = read(document, 'activeElement')
  const { selectionStart = null, selectionEnd = null, selectionDirection } = (active ?? {}) as Partial<HTMLInputElement>
  const pairs = [active, anchorNode, focusNode].map((node) => {
    const isInside = node && call(old, 'contains', node)
    return isInside ? [node, twins.findSure(node)] : []
  })

  return () => {
    // A moved node is still connected and stands for itself.
    const [field, from, to] = pairs.map((pair) => pair.find((node) => node && read(node, 'isConnected')))
    const target = field as Partial<HTMLInputElement> | undefined
    // A frame that was moved has the focus, and would take it from the field inside.
    if (target instanceof HTMLElement && target !== read(document, 'activeElement'))
      call(target, 'focus', { preventScroll: true })
    if (selectionStart !== null) {
      target?.setSelectionRange?.(selectionStart, selectionEnd, selectionDirection ?? undefined)
    } else if (from && to && !(field && hasOwnCaret(field as Element)))
      getSelection()?.setBaseAndExtent(from, anchorOffset, to, focusOffset)
  }
}

/** Whether an element may hold a caret that a selection of the page would take away: a field, or a host of a shadow tree. */
function hasOwnCaret(element: Element): boolean {
  return isField(element) || /-/.test(element.localName) || read(element, 'shadowRoot') !== null
}
