import { editedFields, hasOpenDialog, isComposing } from './edits.js'

/** Whether an element holds something of the user's that would be lost if it were replaced. */
export function hasUnkeepableState(element: Element): boolean {
  return (
    hasOpenDialog(element) ||
    isComposing(element) ||
    editedFields(element).some((field) => findByKey(element, field) !== field)
  )
}

/**
 * Puts a fresh element in the place of an old one, with what the user did to the old one. Returns false, and does nothing,
 * if the fresh one has no place for a field that the user has changed.
 */
export function swap(old: Element, fresh: Element): boolean {
  const edited = editedFields(old).map((field) => [field, findByKey(fresh, field)] as const)
  if (edited.some(([, place]) => !place)) return false

  const restoreFocus = keepFocus(old, fresh)
  const restoreScroll = keepScroll(old, fresh)
  for (const details of old.querySelectorAll('details')) {
    const twin = twinOf(details, old, fresh)
    if (twin instanceof HTMLDetailsElement) twin.open = details.open
  }
  // Buttons of one group that meet on the way switch each other off.
  const chosen = edited.map(([field]) => (field as Partial<HTMLInputElement>).checked)
  old.before(fresh)
  for (const [field, place] of edited) move(field, place)
  edited.forEach(([field], index) => chosen[index] && Object.assign(field, { checked: true }))
  old.remove()
  restoreScroll()
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

function keepScroll(old: Element, fresh: Element): () => void {
  const scrolled = [old, ...old.querySelectorAll('*')]
    .filter(({ scrollTop, scrollLeft }) => scrollTop || scrollLeft)
    .map((element) => ({ twin: twinOf(element, old, fresh), top: element.scrollTop, left: element.scrollLeft }))
  return () => {
    for (const { twin, top, left } of scrolled) {
      if (twin instanceof Element) twin.scrollTo({ top, left, behavior: 'instant' })
    }
  }
}

/** Focus, the caret in a field, and what is selected. */
function keepFocus(old: Element, fresh: Element): () => void {
  const { anchorNode, anchorOffset = 0, focusNode, focusOffset = 0 } = getSelection() ?? {}
  const isSelected = old.contains(anchorNode ?? null) && old.contains(focusNode ?? null)
  const focused = old.contains(document.activeElement) ? document.activeElement : null
  const { selectionStart, selectionEnd, selectionDirection } = (focused ?? {}) as Partial<HTMLInputElement>
  const [heir, anchor, focus] = [focused, isSelected && anchorNode, isSelected && focusNode].map((node) => {
    const twin = node ? twinOf(node, old, fresh) : undefined
    // A field that moved is its own heir.
    return () => (node && node.isConnected ? node : twin)
  })

  return () => {
    const field = heir?.() as Partial<HTMLInputElement> | undefined
    const [from, to] = [anchor?.(), focus?.()]
    field?.focus?.({ preventScroll: true })
    if (typeof selectionStart === 'number') {
      field?.setSelectionRange?.(selectionStart, selectionEnd ?? null, selectionDirection ?? undefined)
    } else if (from && to) getSelection()?.setBaseAndExtent(from, anchorOffset, to, focusOffset)
  }
}

/** The node of the fresh element that stands for a node of the old one. */
function twinOf(node: Node, old: Element, fresh: Element): Node | undefined {
  if (node === old) return fresh
  if (node instanceof Element && keyOf(node)) return findByKey(fresh, node)
  const parent = node.parentNode && old.contains(node) ? node.parentNode : undefined
  const siblings = parent && twinOf(parent, old, fresh)?.childNodes
  const twin = siblings?.[[...(parent?.childNodes ?? [])].indexOf(node as ChildNode)]
  return twin?.nodeName === node.nodeName && (node instanceof Element || twin.nodeValue === node.nodeValue)
    ? twin
    : undefined
}

/** The only element in `root` with the same name as this one, by id, name or summary. */
function findByKey(root: Element, element: Element): Element | undefined {
  const key = keyOf(element)
  const found = key ? [root, ...root.querySelectorAll(element.localName)].filter((other) => keyOf(other) === key) : []
  return found.length === 1 ? found[0] : undefined
}

function keyOf(element: Element): string {
  // Not the properties: a form with a field called "id" has another one.
  const [id, name] = ['id', 'name'].map((attribute) => element.getAttribute(attribute))
  const { type, value } = element as Partial<HTMLInputElement>
  if (id) return `#${id}`
  if (element.localName === 'details') return element.querySelector('summary')?.textContent ?? ''
  return name ? `${name} ${type === 'checkbox' || type === 'radio' ? value : ''}` : ''
}
