import { call, read } from './dom.js'
import { contentOf, defaultContentOf, fieldsIn, isField } from './field-content.js'
import { navigationEntry } from './navigation-entry.js'
import { onUncancelled } from './uncancelled-event.js'

const OPEN = ':is(dialog[open], [popover]):is(:modal, :focus-within), [aria-modal=true]'
const VISIBLY = { visibilityProperty: true, opacityProperty: true }

/** The longest time that a script takes to save a form (ms). */
const SAVE_TIME = 10_000

/** How long after its load a page may still be given what the user typed before (ms). */
const RESTORE_TIME = 3000

/** Fields to which the browser gives a value that the HTML does not have. */
const WITH_VALUE = /^(range|color)$/

/** The events after which a form is saved, each with the field of its detail that says so; the first one is ours. */
const SAVES = [
  ['signalpost:saved', ''],
  ['turbo:submit-end', 'success'],
  ['htmx:afterRequest', 'successful'],
  ['ajax:success', ''],
] as const

/** The content that fields had before the user changed them. Undefined: unlike any content. */
let before = new WeakMap<Element, string | undefined>()

/** Fields that the user has visited. A search misses editable elements, read-only fields, frames and shadow trees. */
const visited = new Set<Element>()

/** Whether the user has touched the page. Until then scripts and the browser fill fields. */
let isTouched = false

/** The submit with which the page may have been left. */
let submit: Event | undefined

/** The content with which the edited fields of a form were submitted last, and when (ms). */
let submitted = new Map<Element, string>()
let submittedAt = 0

/** Whether fields may hold what the user typed before the watch began. */
let mayHoldText = false

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
  // A validator or a question may cancel a submit, and a download leaves the page where it is.
  on('submit', recordSubmit)
  onUncancelled(document, 'submit', (event) => (submit = event), signal)
  addEventListener('pageshow', ({ persisted }) => persisted && submit && forgetEdits(submit), { signal })
  onUncancelled(document, 'reset', forgetEdits, signal)
  for (const [type, flag] of SAVES)
    on(type, (event) => (event as CustomEvent).detail?.[flag] !== false && forgetEdits(event))
  addEventListener('blur', recordFrame, { signal })
  before = new WeakMap()
  visited.clear()
  isTouched = false
  submit = undefined
  recordVisit(read(document, 'activeElement'), defaultContentOf)
  // Without the back/forward cache, Back restores what the user typed.
  mayHoldText = navigationEntry().type === 'back_forward' || navigator.userActivation?.hasBeenActive === true
  recordRestored()
}

/**
 * The fields, within an element or on the whole page, whose content the user has changed and not submitted. A choice that
 * a library of the page writes into its field counts: such fields dispatch no event.
 */
export function editedFields(within: ParentNode = document): Element[] {
  recordFrame()
  recordRestored()
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

/** Records that the content of a form that was submitted a moment ago is saved. */
export function recordSaved(): void {
  if (performance.now() - submittedAt < SAVE_TIME) for (const [field, content] of submitted) before.set(field, content)
  submitted.clear()
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
  recordRestored()
  recordContent(document)
}

/** Records the content of the HTML for fields that have another one soon after the page has loaded. */
function recordRestored(): void {
  if (!mayHoldText) return
  const { loadEventEnd } = navigationEntry()
  // Later it is scripts that fill fields.
  mayHoldText = !loadEventEnd || performance.now() < loadEventEnd + RESTORE_TIME
  if (!mayHoldText) return
  for (const field of fieldsIn(document)) {
    const content = WITH_VALUE.test((field as Partial<HTMLInputElement>).type ?? '')
      ? undefined
      : defaultContentOf(field)
    if (content !== undefined && content !== contentOf(field) && !before.has(field)) before.set(field, content)
  }
}

function recordVisit(
  target: EventTarget | null | undefined,
  contentBefore: (field: Element) => string | undefined,
): void {
  if (!(target instanceof HTMLElement && (read(target, 'isContentEditable') || isField(target)))) return
  visited.add(target)
  if (!before.has(target)) before.set(target, contentBefore(target))
}

function recordSubmit({ target }: Event): void {
  submitted = new Map(editedFieldsOf(target).map((field) => [field, contentOf(field)]))
  submittedAt = performance.now()
}

/** Saved content is no edit any more. A reset follows its event, so a later touch records the content. */
function forgetEdits({ type, target }: Event): void {
  for (const field of editedFieldsOf(target)) {
    if (type === 'reset') before.delete(field)
    else before.set(field, contentOf(field))
  }
}

/** The edited fields in a form, or in the form of a button. */
function editedFieldsOf(target: EventTarget | null): Element[] {
  // A field with the name `form` hides nothing here.
  const form = target instanceof HTMLFormElement ? target : ((target as Partial<HTMLInputElement>).form ?? target)
  return editedFields().filter(
    (field) => (field as Partial<HTMLInputElement>).form === form || containsDeep(form as Node, field),
  )
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
