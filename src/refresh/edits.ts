/** What is read of a field; elements that are none have nothing of it. */
type Field = Partial<HTMLInputElement & HTMLSelectElement>

/** The fields that the user has been in since their form was last submitted, each with what it held before, if that is known. */
const touched = new Map<Element, string | undefined>()

/** Where something is being composed that is not text yet, as for Chinese. */
let composing: EventTarget | null = null

/** Notes what the user does to fields. */
export function watchEdits(signal: AbortSignal): void {
  const on = (type: string, listener: (event: Event) => unknown): void =>
    document.addEventListener(type, listener, { capture: true, signal })
  on('focusin', (event) => touch(event.composedPath()[0], contentOf))
  // Some browsers do not focus a box that is clicked.
  on('input', (event) => touch(event.composedPath()[0]))
  on('compositionstart', ({ target }) => (composing = target))
  on('compositionend', () => (composing = null))
  on('submit', letGo)
  on('reset', letGo)
  touched.clear()
  touch(document.activeElement, (field) => contentOf(field, (field as Field).defaultValue))
}

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
  // A dialog may be there all the time, and be shown by its style.
  return [...within.querySelectorAll('dialog[open], [aria-modal=true]')].some(
    (dialog) => dialog.getClientRects().length > 0,
  )
}

function touch(target: EventTarget | null | undefined, before?: (field: Element) => string): void {
  if (!(target instanceof HTMLElement && !touched.has(target))) return
  if (target.isContentEditable || target.matches('input, textarea, select')) touched.set(target, before?.(target))
}

function letGo({ target }: Event): void {
  for (const field of touched.keys()) {
    if (((field as Field).form ?? field.closest('form')) === target) touched.delete(field)
  }
}

function contentOf(field: Element, text = (field as Field).value ?? field.textContent): string {
  const { checked, selectedOptions = [] } = field as Field
  return [text, checked, ...Array.from(selectedOptions, ({ value }) => value)].join()
}
