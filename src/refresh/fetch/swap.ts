import { call, read } from '../../page/dom.js'
import { editedFields, hasOpenDialog, isComposing } from '../../page/edits.js'

/** Whether an element holds something of the user's that would be lost if it were replaced. */
export function hasUnkeepableState(element: Element): boolean {
  return (
    hasOpenDialog(element) ||
    isComposing(element) ||
    // What is pressed would never be clicked.
    call(element, 'matches', ':active') ||
    // A frame loads anew where it is moved.
    editedFields(element).some((field) => field.localName === 'iframe' || findByKey(element, field) !== field)
  )
}

/**
 * Puts a fresh element in the place of an old one, with what the user did to the old one. Returns false, and does nothing,
 * if the fresh one has no place for a field that the user has changed.
 */
export function swap(old: Element, fresh: Element): boolean {
  const edited = editedFields(old).map((field: Element & { checked?: boolean }) => {
    return { field, checked: field.checked, place: findByKey(fresh, field) }
  })
  if (edited.some(({ place }) => !place)) return false

  const restoreFocus = keepFocus(old, fresh)
  const restoreView = keepView(old, fresh)
  call(old, 'before', fresh)
  for (const { field, place } of edited) move(field, place)
  // Buttons of one group that met on the way have switched each other off.
  for (const { field, checked } of edited) if (checked) field.checked = true
  call(old, 'remove')
  restoreView()
  restoreFocus()
  return true
}

/** The very field lives on: files that were chosen could not be copied, nor what can be undone. */
function move(field: Element, place: Element | undefined): void {
  // In browsers that have it, the field keeps the focus on its way.
  if (place?.parentElement?.moveBefore) {
    place.parentElement.moveBefore(field, place)
    place.remove()
  } else place?.replaceWith(field)
}

/** What is open, and how far everything is scrolled. */
function keepView(old: Element, fresh: Element): () => void {
  const views = [old, ...call(old, 'querySelectorAll', '*')]
    .filter(
      (element) => element instanceof HTMLDetailsElement || read(element, 'scrollTop') || read(element, 'scrollLeft'),
    )
    .map((element) => ({
      heir: twinOf(element, old, fresh),
      top: read(element, 'scrollTop'),
      left: read(element, 'scrollLeft'),
      open: (element as Partial<HTMLDetailsElement>).open ?? false,
    }))
  return () => {
    for (const { heir, open } of views) if (heir instanceof HTMLDetailsElement) heir.open = open
    for (const { heir, top, left } of views) if (heir instanceof Element) scroll(heir, { top, left })
  }
}

function scroll(element: Element, to: { readonly top: number; readonly left: number }): void {
  const scrollTo: (options: ScrollToOptions) => void = read(element, 'scrollTo')
  scrollTo.call(element, { ...to, behavior: 'instant' })
}

/** Focus, the caret in a field, and what is selected. */
function keepFocus(old: Element, fresh: Element): () => void {
  const { anchorNode, anchorOffset = 0, focusNode, focusOffset = 0 } = getSelection() ?? {}
  const { selectionStart, selectionEnd, selectionDirection } = (read(document, 'activeElement') ??
    {}) as Partial<HTMLInputElement>
  const [heir, anchor, focus] = [read(document, 'activeElement'), anchorNode, focusNode].map((node) => {
    if (!node || !call(old, 'contains', node)) return () => undefined
    const twin = twinOf(node, old, fresh)
    // A field that moved is its own heir.
    return () => (read(node, 'isConnected') ? node : twin)
  })

  return () => {
    const field = heir?.() as Partial<HTMLInputElement> | undefined
    const [from, to] = [anchor?.(), focus?.()]
    if (field instanceof HTMLElement) call(field, 'focus', { preventScroll: true })
    if (typeof selectionStart === 'number') {
      field?.setSelectionRange?.(selectionStart, selectionEnd ?? null, selectionDirection ?? undefined)
    } else if (from && to) getSelection()?.setBaseAndExtent(from, anchorOffset, to, focusOffset)
  }
}

/** The node of the fresh element that stands for the old one, or for a node inside of it. */
function twinOf(node: Node, old: Element, fresh: Element): Node | undefined {
  if (node === old) return fresh
  if (node instanceof Element && keyOf(node)) return findByKey(fresh, node)
  const parent = read(node, 'parentNode')
  const index = [...(parent ? read(parent, 'childNodes') : [])].indexOf(node as ChildNode)
  const place = parent && twinOf(parent, old, fresh)
  const twin = place && read(place, 'childNodes')[index]
  return twin?.nodeName === node.nodeName && twin.nodeValue === node.nodeValue ? twin : undefined
}

/** The only element in `root` with the same name as this one, by id, name or summary. */
function findByKey(root: Element, element: Element): Element | undefined {
  const key = keyOf(element)
  const found = key
    ? [root, ...call(root, 'querySelectorAll', read(element, 'localName'))].filter((other) => keyOf(other) === key)
    : []
  return found.length === 1 ? found[0] : undefined
}

function keyOf(element: Element): string {
  // Not the properties: a form with a field called "id" has another one.
  const [id, name] = ['id', 'name'].map((attribute) => call(element, 'getAttribute', attribute))
  const { type, value } = element as Partial<HTMLInputElement>
  if (id) return `#${id}`
  if (element.localName === 'details') return element.querySelector('summary')?.textContent ?? ''
  return name ? `${name} ${type === 'checkbox' || type === 'radio' ? value : ''}` : ''
}
