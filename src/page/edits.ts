import { call, read } from './dom.js'

/** What is read of a field; elements that are none have nothing of it. */
type Field = Partial<HTMLInputElement & HTMLSelectElement>

/** The fields that the user has been in since their form was last submitted, each with what it held before, if that is known. */
const touched = new Map<Element, string | undefined>()

/** Where something is being composed that is not text yet, as for Chinese. */
let composing: EventTarget | null = null

const OPEN = ':is(dialog[open], [popover]):is(:modal, :focus-within), [aria-modal=true]'
const VISIBLY = { visibilityProperty: true, opacityProperty: true }

/** Notes what the user does to fields. */
export function watchEdits(signal: AbortSignal): void {
  const on = (type: string, listener: (event: Event) => unknown): void =>
    call(document, 'addEventListener', type, listener, { capture: true, signal })
  on('focusin', (event) => touch(event.composedPath()[0], contentOf))
  // Some browsers do not focus a box that is clicked.
  on('input', (event) => touch(event.composedPath()[0]))
  on('compositionstart', ({ target }) => (composing = target))
  on('compositionend', () => (composing = null))
  on('submit', letGo)
  on('reset', letGo)
  addEventListener('blur', noteFrame, { signal })
  touched.clear()
  touch(read(document, 'activeElement'), (field) => contentOf(field, (field as Field).defaultValue))
}

/** Whether an element, or the page, has fields whose content the user has changed and not submitted. */
export function editedFields(within: Node = document): Element[] {
  noteFrame()
  for (const field of touched.keys()) if (!read(field, 'isConnected')) touched.delete(field)
  return [...touched]
    .filter(([field, before]) => holds(within, field) && contentOf(field) !== before)
    .map(([field]) => field)
}

/** Whether the user is composing a character in an element. */
export function isComposing(within: Node): boolean {
  return composing instanceof Node && call(within, 'contains', composing)
}

/**
 * Whether a dialog is open in an element, or on the page: one that is modal, or that the user is in, as for a popover. What
 * is there all the time, such as a notice of cookies or a menu beside the window, or is shown by its style alone, is not one.
 */
export function hasOpenDialog(within: ParentNode = document): boolean {
  return [...call(within, 'querySelectorAll', OPEN)].some(
    (dialog) => (dialog.checkVisibility?.(VISIBLY) ?? dialog.getClientRects().length > 0) && !isOutside(dialog),
  )
}

/** Whether all of an element is beside the window. What has no size of its own may have children that are seen. */
function isOutside(element: Element): boolean {
  const { left, top, right, bottom } = element.getBoundingClientRect()
  return left < right && top < bottom && (right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight)
}

function touch(target: EventTarget | null | undefined, before?: (field: Element) => string): void {
  if (!(target instanceof HTMLElement && !touched.has(target))) return
  if (read(target, 'isContentEditable') || call(target, 'matches', 'input, textarea, select'))
    touched.set(target, before?.(target))
}

function letGo({ target }: Event): void {
  for (const field of touched.keys()) {
    if ((field as Field).form === target || holds(target as Node, field)) touched.delete(field)
  }
}

/** What is done in a frame is not known here. */
function noteFrame(): void {
  const activeElement = read(document, 'activeElement')
  if (activeElement?.localName === 'iframe') touched.set(activeElement, undefined)
}

/** Whether a node is inside of another, or inside of the shadow of what is. */
function holds(within: Node, node: Node): boolean {
  const { host } = call(node, 'getRootNode') as Partial<ShadowRoot>
  return call(within, 'contains', node) || (host !== undefined && holds(within, host))
}

function contentOf(field: Element, text = (field as Field).value ?? field.textContent): string {
  const { checked, selectedOptions = [] } = field as Field
  return [text, checked, ...Array.from(selectedOptions, ({ value }) => value)].join()
}
