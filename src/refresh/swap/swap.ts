import { call, read } from '../../page/dom.js'
import { editedFields, followField, hasOpenDialog, isComposing, recordContent } from '../../page/edits.js'
import { contentOf, copyContent, isField } from '../../page/field-content.js'
import { keepFocus } from './keep-focus.js'
import { keepScroll, keepView } from './keep-view.js'
import { findKept, hasAncestor, moveElement } from './kept-elements.js'
import { matchTwins, type Twins } from './twins.js'

/** Fields of a page's scripts, as a search box of a table: the server would not receive their content. */
const SCRIPTED = ':is(input, select):is([type=search], [aria-controls], [aria-autocomplete], :not([name]))'

/** A replacement of an element that keeps the user's changes. */
export interface Swap {
  /** The edited fields for whose content the fresh element has no place. */
  readonly lost: readonly Element[]
  readonly run: () => void
}

interface Copy {
  readonly field: Element
  readonly twin: Element
  readonly content: string
}

/** Whether a replacement of the element would interrupt the user. */
export function isInUse(element: Element): boolean {
  return (
    hasOpenDialog(element) ||
    isComposing(element) ||
    // Replacing a pressed element would swallow its click.
    call(element, 'matches', ':active')
  )
}

/** Gives the fresh element the content of the edited fields. The page changes in `run` only. */
export function prepareSwap(old: Element, fresh: Element): Swap {
  const twins = matchTwins(old, fresh)
  const kept = findKept(old, twins)
  const copies: Copy[] = []
  recordContent(fresh)

  /** Returns whether the fresh element has a place for what the user entered. */
  function keep(edited: Element): boolean {
    const field = hostOf(edited, old)
    const twin = twins.find(field)
    if (edited.localName === 'iframe') return hasAncestor(kept, edited) && 'moveBefore' in old
    if (hasAncestor(kept, field)) return true
    if (!(twin instanceof Element)) return false
    if (field !== edited && !isField(field)) return Boolean(kept.set(field, twin))
    followField(twin)
    if (!copyContent(field, twin)) return false
    return Boolean(copies.push({ field, twin, content: contentOf(twin) }))
  }

  const lost = editedFields(old).filter((field) => !keep(field) && !call(field, 'matches', SCRIPTED))
  return { lost, run: () => replace(old, fresh, { twins, kept, copies }) }
}

interface Parts {
  readonly twins: Twins
  readonly kept: ReadonlyMap<Element, Element>
  readonly copies: readonly Copy[]
}

function replace(old: Element, fresh: Element, { twins, kept, copies }: Parts): void {
  const radios = [...call(document, 'querySelectorAll', '[type=radio]:checked')] as HTMLInputElement[]
  const restoreFocus = keepFocus(old, twins)
  const restoreView = keepView(old, twins)
  call(old, 'before', fresh)
  for (const [element, twin] of kept) moveElement(element, twin)
  call(old, 'remove')
  // A fresh radio button that is checked has unchecked the others of its group.
  for (const radio of radios) if (read(radio, 'isConnected')) radio.checked = true
  restoreView()
  const restoreScroll = keepScroll(ancestorsOf(fresh))
  restoreFocus()
  restoreScroll()
  queueMicrotask(() => copies.forEach(copyAgain))
}

/** Scripts that start on fresh elements may overwrite fields, and then have to know the content. */
function copyAgain({ field, twin, content }: Copy): void {
  if (contentOf(twin) === content) return
  // The fresh radio buttons of the group may have unchecked the old one.
  if ('checked' in field) field.checked = content === 'true'
  copyContent(field, twin)
  call(twin, 'dispatchEvent', new Event('input', { bubbles: true }))
}

/** The outermost shadow host around a field, or the field itself. */
function hostOf(field: Element, within: Element): Element {
  const { host } = call(field, 'getRootNode') as Partial<ShadowRoot>
  return host && !call(within, 'contains', field) ? hostOf(host, within) : field
}

function ancestorsOf(element: Element): Element[] {
  const parent = read(element, 'parentElement')
  return parent ? [parent, ...ancestorsOf(parent)] : []
}
