import type { Stop } from '../signals.js'
import { shareStart } from './share-start.js'

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

const FIELDS = 'input:not([type=hidden]), textarea, select'

/** The fields that the user has been in since their form was last submitted, each with what it held before. */
const touched = new Map<Element, string>()

/** Where something is being composed that is not text yet, as for Chinese. */
let composing: EventTarget | null = null

/** Notes what the user does to fields, for as long as somebody wants to know. */
export const watchEdits: () => Stop = shareStart(() => {
  const controller = new AbortController()
  const on = (type: string, listener: (event: Event) => unknown): void =>
    document.addEventListener(type, listener, { capture: true, signal: controller.signal })
  on('focusin', (event) => touch(event.composedPath()[0], contentOf))
  // Some browsers do not focus a box that is clicked.
  on('input', (event) => touch(event.composedPath()[0], defaultOf))
  on('compositionstart', ({ target }) => (composing = target))
  on('compositionend', () => (composing = null))
  on('submit', letGo)
  on('reset', letGo)
  touch(document.activeElement, defaultOf)
  return () => {
    controller.abort()
    touched.clear()
  }
})

/** Whether an element, or the page, has fields whose content the user has changed and not submitted. */
export function editedFields(within: Node = document): Element[] {
  for (const field of touched.keys()) if (!field.isConnected) touched.delete(field)
  return [...touched]
    .filter(([field, before]) => (within === document || within.contains(field)) && contentOf(field) !== before)
    .map(([field]) => field)
}

/** Whether the user is composing a character in an element. */
export function isComposing(within: Node): boolean {
  return composing instanceof Node && within.contains(composing)
}

/** Whether a dialog is open in an element, or on the page. */
export function hasOpenDialog(within: ParentNode = document): boolean {
  // A dialog of a library may be there all the time, and be shown by its style.
  return [...within.querySelectorAll('dialog[open], [aria-modal=true]')].some(
    (dialog) => dialog.localName === 'dialog' || dialog.getClientRects().length > 0,
  )
}

function touch(target: EventTarget | null | undefined, before: (field: Element) => string): void {
  if (target instanceof HTMLElement && (isField(target) || target.isContentEditable) && !touched.has(target)) {
    touched.set(target, before(target))
  }
}

function letGo({ target }: Event): void {
  for (const field of touched.keys()) {
    if ((isField(field) ? field.form : field.closest('form')) === target) touched.delete(field)
  }
}

function isField(element: Element): element is Field {
  return element.matches(FIELDS)
}

function contentOf(field: Element): string {
  if (!isField(field)) return field.textContent ?? ''
  if ('options' in field) return [...field.options].map(({ selected, value }) => (selected ? value : '')).join('')
  return isBox(field) ? String(field.checked) : field.value
}

/** What a field held before the user was in it, where nobody saw it: as near as the page's HTML tells. */
function defaultOf(field: Element): string {
  if (isField(field) && isBox(field)) return String(field.defaultChecked)
  return (field as Partial<HTMLInputElement>).defaultValue ?? ''
}

function isBox(field: Field): field is HTMLInputElement {
  return field.type === 'checkbox' || field.type === 'radio'
}
