import { call, read } from '../../page/dom.js'
import type { Twins } from './twins.js'

/** Keeps the focus, the caret and the selection in an element that is about to be replaced. */
export function keepFocus(old: Element, twins: Twins): () => void {
  const { anchorNode, anchorOffset = 0, focusNode, focusOffset = 0 } = getSelection() ?? {}
  const active = read(document, 'activeElement')
  const { selectionStart, selectionEnd, selectionDirection } = (active ?? {}) as Partial<HTMLInputElement>
  const [field, anchor, focus] = [active, anchorNode, focusNode].map((node) => {
    if (!node || !call(old, 'contains', node)) return () => undefined
    const twin = twins.findSure(node)
    // A moved node is still connected and stands for itself.
    return () => (read(node, 'isConnected') ? node : twin)
  })

  return () => {
    const target = field?.() as Partial<HTMLInputElement> | undefined
    const [from, to] = [anchor?.(), focus?.()]
    // A frame that was moved has the focus, and would take it from the field inside.
    if (target instanceof HTMLElement && target !== read(document, 'activeElement'))
      call(target, 'focus', { preventScroll: true })
    if (typeof selectionStart === 'number') {
      target?.setSelectionRange?.(selectionStart, selectionEnd ?? null, selectionDirection ?? undefined)
    } else if (from && to) getSelection()?.setBaseAndExtent(from, anchorOffset, to, focusOffset)
  }
}
