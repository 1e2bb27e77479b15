import { call, read } from './dom.js'
import { contentOf, defaultContentOf, fieldsIn, isField } from './field-content.js'

const OPEN = ':is(dialog[open], [popover]):is(:modal, :focus-within), [aria-modal=true]'
const VISIBLY = { visibilityProperty: true, opacityProperty: true }

/** The content that fields had before the user changed them. Undefined: unlike any content. */
let before = new WeakMap<Element, string | undefined>()

/** Fields that the user has visited. A search misses editable elements, read-only fields, frames and shadow trees. */
const visited = new Set<Element>()

/** Whether the user has touched the page. Until then scripts and the browser fill fields. */
let isTouched = false

/** The field in which an input method is composing text, as for Chinese. */
let composing: EventTarget | null = null

/** Watches the user's edits of fields until the signal aborts. */
export function watchEdits(signal: AbortSignal): void {
  const on = (type: string, listener: (event: Event) => unknown): void =>
    call(document, 'addEventListener', type, listener, { capture: true, signal })
  on('pointerdown', recordTouch)
  on('keydown', () => isTouched || recordTouch())
  on('focusin', (event) => {
    if (isTouched) recordContent(document)
    recordVisit(event.composedPath()[0], contentOf)
  })
  // Some browsers do not focus a checkbox that is clicked.
  on('input', (event) => recordVisit(event.composedPath()[0], defaultContentOf))
  on('compositionstart', ({ target }) => (composing = target))
  on('compositionend', () => (composing = null))
  on('submit', forgetEdits)
  on('reset', forgetEdits)
  addEventListener('blur', recordFrame, { signal })
  before = new WeakMap()
  visited.clear()
  isTouched = false
  recordVisit(read(document, 'activeElement'), defaultContentOf)
}

/**
 * The fields, within an element or on the whole page, whose content the user has changed and not submitted. A choice that
 * a library of the page writes into its field counts: such fields dispatch no event.
 */
export function editedFields(within: ParentNode = document): Element[] {
  recordFrame()
  const fields = new Set(fieldsIn(within))
  for (const field of visited) {
    if (!read(field, 'isConnected')) visited.delete(field)
    else if (containsDeep(within, field)) fields.add(field)
  }
  return [...fields].filter(isEdited)
}

/** Records the present content of the fields in an element: what differs from it later is an edit. */
export function recordContent(within: ParentNode): void {
  for (const field of fieldsIn(within)) if (!before.has(field)) before.set(field, contentOf(field))
}

/** Whether the user is composing a character in an element. */
export function isComposing(within: Node): boolean {
  return composing instanceof Node && call(within, 'contains', composing)
}

/**
 * The dialogs that are open in an element or on the page: modal dialogs, and popovers that have the focus. Permanent elements
 * such as a cookie notice or a side menu do not count, and neither do dialogs that only a style shows.
 */
export function openDialogs(within: ParentNode = document): Element[] {
  return [...call(within, 'querySelectorAll', OPEN)].filter(
    (dialog) => (dialog.checkVisibility?.(VISIBLY) ?? dialog.getClientRects().length > 0) && !isOutside(dialog),
  )
}

/** Whether an element lies outside the window. An element without a size does not: its children may be visible. */
function isOutside(element: Element): boolean {
  const { left, top, right, bottom } = element.getBoundingClientRect()
  return left < right && top < bottom && (right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight)
}

/** Records the present content of all other fields than the edited ones, after their content has changed. */
export function recordUnedited(within: ParentNode, edited: readonly Element[]): void {
  const others = new Set(fieldsIn(within))
  for (const field of edited) others.delete(field)
  for (const field of others) before.set(field, contentOf(field))
}

/** Follows a field from now on: what differs from its present content is an edit. */
export function followField(field: Element): void {
  visited.add(field)
  before.set(field, contentOf(field))
}

/** Records the fields that were added since the last touch, too. */
function recordTouch(): void {
  isTouched = true
  recordContent(document)
}

function recordVisit(
  target: EventTarget | null | undefined,
  contentBefore: (field: Element) => string | undefined,
): void {
  if (!(target instanceof HTMLElement && (read(target, 'isContentEditable') || isField(target)))) return
  visited.add(target)
  if (!before.has(target)) before.set(target, contentBefore(target))
}

/** Submitted content is no edit any more. A reset follows its event, so a later touch records the content. */
function forgetEdits({ type, target }: Event): void {
  for (const field of editedFields()) {
    if ((field as Partial<HTMLInputElement>).form !== target && !containsDeep(target as Node, field)) continue
    if (type === 'submit') before.set(field, contentOf(field))
    else before.delete(field)
  }
}

/** Edits inside a frame are invisible from here, so a frame with the focus counts as edited. */
function recordFrame(): void {
  const activeElement = read(document, 'activeElement')
  if (activeElement?.localName !== 'iframe') return
  visited.add(activeElement)
  before.set(activeElement, undefined)
}

function isEdited(field: Element): boolean {
  return before.has(field) && contentOf(field) !== before.get(field)
}

/** Whether a node contains another one, shadow trees included. */
function containsDeep(within: Node, node: Node): boolean {
  const { host } = call(node, 'getRootNode') as Partial<ShadowRoot>
  return call(within, 'contains', node) || (host !== undefined && containsDeep(within, host))
}
