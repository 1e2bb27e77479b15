import { call } from './dom.js'

/** The properties of fields that this module reads; other elements have none of them. */
type Field = Partial<Omit<HTMLInputElement & HTMLSelectElement, 'type'>> & { readonly type?: string }

/** Elements that may be fields. A read-only field counts only once the user has visited it: scripts write into those. */
const CANDIDATES = ':is(input, select, textarea, [name]):not(:disabled, [readonly])'

/** The fields within a node that users may change. */
export function fieldsIn(within: ParentNode): Element[] {
  return [...call(within, 'querySelectorAll', CANDIDATES)].filter(isField)
}

/** Whether an element is a field. Custom elements that belong to a form are fields too, and may dispatch no `input`. */
export function isField(element: Element): boolean {
  const { formAssociated } = element.constructor as { formAssociated?: boolean }
  return /^(input|select|textarea)$/.test(element.localName) || formAssociated === true
}

/** The content of a field or of an editable element as a text, to be compared. */
export function contentOf(field: Element): string {
  const { type, checked, selectedOptions, files, validity, value = field.textContent } = field as Field
  if (selectedOptions) return [value, ...Array.from(selectedOptions, (option) => option.value)].join('\n')
  if (type === 'file') return Array.from(files ?? [], ({ name, size }) => name + size).join('\n')
  if (isTick(field)) return String(checked)
  // A date that is typed in part has no value.
  return validity?.badInput ? '\0' : String(value)
}

/** The content that the HTML gives to an input or a text area; of another field, a content that differs from any. */
export function defaultContentOf(field: Element): string | undefined {
  const { defaultChecked, defaultValue } = field as Field
  return isTick(field) ? String(defaultChecked) : defaultValue
}

/** Gives a field the content of another one of its kind. Returns whether it has that content then. */
export function copyContent(from: Element, to: Element): boolean {
  const { type, checked, selectedOptions = [], files, value } = from as Field
  const field = to as Field
  if (field instanceof HTMLSelectElement) {
    const chosen = new Set(Array.from(selectedOptions, (option) => option.value))
    for (const option of field.options) option.selected = chosen.has(option.value)
  } else if (type === 'file') field.files = files ?? null
  else if (isTick(from)) field.checked = checked ?? false
  else if (isField(from)) field.value = value ?? ''
  else to.replaceChildren(...Array.from(from.childNodes, (node) => node.cloneNode(true)))
  return contentOf(to) === contentOf(from)
}

/** Whether a field is a checkbox or a radio button. */
export function isTick(field: Element): boolean {
  return /^(checkbox|radio)$/.test((field as Field).type ?? '')
}
