import { call, read } from './dom.js'

/** The properties of fields that this module reads; other elements have none of them. */
type Field = Partial<HTMLInputElement & HTMLSelectElement>

const OPEN = ':is(dialog[open], [popover]):is(:modal, :focus-within), [aria-modal=true]'
const VISIBLY = { visibilityProperty: true, opacityProperty: true }

/** The fields that the user has visited since the last submit of their form, each with its earlier content, if known. */
const visited = new Map<Element, string | undefined>()

/** The field in which an input method is composing text, as for Chinese. */
let composing: EventTarget | null = null

/** Watches the user's edits of fields until the signal aborts. */
export function watchEdits(signal: AbortSignal): void {
  const on = (type: string, listener: (event: Event) => unknown): void =>
    call(document, 'addEventListener', type, listener, { capture: true, signal })
  on('focusin', (event) => recordVisit(event.composedPath()[0], contentOf))
  // Some browsers do not focus a checkbox that is clicked.
  on('input', (event) => recordVisit(event.composedPath()[0]))
  on('compositionstart', ({ target }) => (composing = target))
  on('compositionend', () => (composing = null))
  on('submit', forgetFields)
  on('reset', forgetFields)
  addEventListener('blur', recordFrame, { signal })
  visited.clear()
  recordVisit(read(document, 'activeElement'), (field) => contentOf(field, (field as Field).defaultValue))
}

/** The fields, within a node or on the whole page, whose content the user has changed and not submitted. */
export function editedFields(within: Node = document): Element[] {
  recordFrame()
  for (const field of visited.keys()) if (!read(field, 'isConnected')) visited.delete(field)
  return [...visited]
    .filter(([field, before]) => containsDeep(within, field) && contentOf(field) !== before)
    .map(([field]) => field)
}

/** Whether the user is composing a character in an element. */
export function isComposing(within: Node): boolean {
  return composing instanceof Node && call(within, 'contains', composing)
}

/**
 * Whether a dialog is open in an element or on the page: a modal dialog, or a popover that has the focus. Permanent
 * elements such as a cookie notice or a side menu do not count, and neither do dialogs that only a style shows.
 */
export function hasOpenDialog(within: ParentNode = document): boolean {
  return [...call(within, 'querySelectorAll', OPEN)].some(
    (dialog) => (dialog.checkVisibility?.(VISIBLY) ?? dialog.getClientRects().length > 0) && !isOutside(dialog),
  )
}

/** Whether an element lies outside the window. An element without a size does not: its children may be visible. */
function isOutside(element: Element): boolean {
  const { left, top, right, bottom } = element.getBoundingClientRect()
  return left < right && top < bottom && (right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight)
}

function recordVisit(target: EventTarget | null | undefined, before?: (field: Element) => string): void {
  if (!(target instanceof HTMLElement && !visited.has(target))) return
  if (read(target, 'isContentEditable') || call(target, 'matches', 'input, textarea, select'))
    visited.set(target, before?.(target))
}

function forgetFields({ target }: Event): void {
  for (const field of visited.keys()) {
    if ((field as Field).form === target || containsDeep(target as Node, field)) visited.delete(field)
  }
}

/** Edits inside a frame are invisible from here, so a frame with the focus counts as edited. */
function recordFrame(): void {
  const activeElement = read(document, 'activeElement')
  if (activeElement?.localName === 'iframe') visited.set(activeElement, undefined)
}

/** Whether a node contains another one, shadow trees included. */
function containsDeep(within: Node, node: Node): boolean {
  const { host } = call(node, 'getRootNode') as Partial<ShadowRoot>
  return call(within, 'contains', node) || (host !== undefined && containsDeep(within, host))
}

function contentOf(field: Element, text = (field as Field).value ?? field.textContent): string {
  const { checked, selectedOptions = [] } = field as Field
  return [text, checked, ...Array.from(selectedOptions, ({ value }) => value)].join()
}
