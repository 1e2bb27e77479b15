import { call, read } from '../../page/dom.js'
import { editedFields, hasOpenDialog, isComposing } from '../../page/edits.js'

/** Whether a replacement of the element would lose work of the user. */
export function hasUnkeepableState(element: Element): boolean {
  return (
    hasOpenDialog(element) ||
    isComposing(element) ||
    // Replacing a pressed element would swallow its click.
    call(element, 'matches', ':active') ||
    // A moved frame loads again.
    editedFields(element).some((field) => field.localName === 'iframe' || findByKey(element, field) !== field)
  )
}

/**
 * Replaces an old element with a fresh one and keeps the user's changes. Returns false, without a change, if the fresh
 * element lacks a field that the user has edited.
 */
export function swap(old: Element, fresh: Element): boolean {
  const edited = editedFields(old).map((field: Element & { checked?: boolean }) => {
    return { field, checked: field.checked, target: findByKey(fresh, field) }
  })
  if (edited.some(({ target }) => !target)) return false

  const restoreFocus = keepFocus(old, fresh)
  const restoreView = keepView(old, fresh)
  call(old, 'before', fresh)
  for (const { field, target } of edited) move(field, target)
  // Radio buttons of one group may have unchecked each other during the move.
  for (const { field, checked } of edited) if (checked) field.checked = true
  call(old, 'remove')
  restoreView()
  restoreFocus()
  return true
}

/** Moves the field itself: chosen files and the undo history cannot be copied. */
function move(field: Element, target: Element | undefined): void {
  // moveBefore() keeps the focus, in browsers that have it.
  if (target?.parentElement?.moveBefore) {
    target.parentElement.moveBefore(field, target)
    target.remove()
  } else target?.replaceWith(field)
}

/** Keeps open `<details>` and all scroll positions. */
function keepView(old: Element, fresh: Element): () => void {
  const views = [old, ...call(old, 'querySelectorAll', '*')]
    .filter(
      (element) => element instanceof HTMLDetailsElement || read(element, 'scrollTop') || read(element, 'scrollLeft'),
    )
    .map((element) => ({
      counterpart: counterpartOf(element, old, fresh),
      top: read(element, 'scrollTop'),
      left: read(element, 'scrollLeft'),
      open: (element as Partial<HTMLDetailsElement>).open ?? false,
    }))
  return () => {
    for (const { counterpart, open } of views) if (counterpart instanceof HTMLDetailsElement) counterpart.open = open
    for (const { counterpart, top, left } of views)
      if (counterpart instanceof Element) scroll(counterpart, { top, left })
  }
}

function scroll(element: Element, to: { readonly top: number; readonly left: number }): void {
  const scrollTo: (options: ScrollToOptions) => void = read(element, 'scrollTo')
  scrollTo.call(element, { ...to, behavior: 'instant' })
}

/** Keeps the focus, the caret and the selection. */
function keepFocus(old: Element, fresh: Element): () => void {
  const { anchorNode, anchorOffset = 0, focusNode, focusOffset = 0 } = getSelection() ?? {}
  const { selectionStart, selectionEnd, selectionDirection } = (read(document, 'activeElement') ??
    {}) as Partial<HTMLInputElement>
  const [counterpart, anchor, focus] = [read(document, 'activeElement'), anchorNode, focusNode].map((node) => {
    if (!node || !call(old, 'contains', node)) return () => undefined
    const match = counterpartOf(node, old, fresh)
    // A moved field is still connected and stands for itself.
    return () => (read(node, 'isConnected') ? node : match)
  })

  return () => {
    const field = counterpart?.() as Partial<HTMLInputElement> | undefined
    const [from, to] = [anchor?.(), focus?.()]
    if (field instanceof HTMLElement) call(field, 'focus', { preventScroll: true })
    if (typeof selectionStart === 'number') {
      field?.setSelectionRange?.(selectionStart, selectionEnd ?? null, selectionDirection ?? undefined)
    } else if (from && to) getSelection()?.setBaseAndExtent(from, anchorOffset, to, focusOffset)
  }
}

/** The node of the fresh element that corresponds to a node of the old one. */
function counterpartOf(node: Node, old: Element, fresh: Element): Node | undefined {
  if (node === old) return fresh
  if (node instanceof Element && keyOf(node)) return findByKey(fresh, node)
  const parent = read(node, 'parentNode')
  const index = [...(parent ? read(parent, 'childNodes') : [])].indexOf(node as ChildNode)
  const within = parent && counterpartOf(parent, old, fresh)
  const match = within && read(within, 'childNodes')[index]
  return match?.nodeName === node.nodeName && match.nodeValue === node.nodeValue ? match : undefined
}

/** The only element in `root` with the same key (id, name or summary) as this one. */
function findByKey(root: Element, element: Element): Element | undefined {
  const key = keyOf(element)
  const found = key
    ? [root, ...call(root, 'querySelectorAll', read(element, 'localName'))].filter((other) => keyOf(other) === key)
    : []
  return found.length === 1 ? found[0] : undefined
}

function keyOf(element: Element): string {
  // Attributes, because a field called "id" hides the property of a form.
  const [id, name] = ['id', 'name'].map((attribute) => call(element, 'getAttribute', attribute))
  const { type, value } = element as Partial<HTMLInputElement>
  if (id) return `#${id}`
  if (element.localName === 'details') return element.querySelector('summary')?.textContent ?? ''
  return name ? `${name} ${type === 'checkbox' || type === 'radio' ? value : ''}` : ''
}
