import { call, read } from '../../page/dom.js'
import { editedFields, followField, isComposing, openDialogs, recordContent, recordUnedited } from '../../page/edits.js'
import { contentOf, copyContent, isField } from '../../page/field-content.js'
import { keepFocus } from './keep-focus.js'
import { keepScroll, keepView } from './keep-view.js'
import { findKept, hasAncestor, moveElement } from './kept-elements.js'
import { matchTwins, type Twins } from './twins.js'

/** Fields of a page's scripts, as a search box of a table: the server would not receive their content. */
const SCRIPTED = ':is(input, select):is([type=search], [aria-controls], [aria-autocomplete], :not([name]))'

/** The third argument of a swap function. */
export interface SwapContext {
  /** The fresh node that corresponds to an old one. */
  readonly find: (node: Node) => Node | undefined
  /** The elements that stay as they are, each with the fresh element whose place it takes. */
  readonly kept: ReadonlyMap<Element, Element>
  /** The fields that the user has edited; their twins have the same content. */
  readonly edited: readonly Element[]
  /** Matches two versions of an element. */
  readonly match: (old: Element, fresh: Element) => Twins
}

/** Puts the fresh element, which has the content of edited fields, into the place of the old one, or changes the old one. */
export interface SwapFunction {
  (old: Element, fresh: Element, context: SwapContext): void
  /** Receives the element when the action is created. */
  readonly prepare?: (element: Element) => void
}

/** A replacement of an element that keeps the user's changes. */
export interface Swap {
  /** The edited fields for whose content the fresh element has no place. */
  readonly lost: readonly Element[]
  /** Returns the element that the page shows then. */
  readonly run: () => Element
}

interface Copy {
  readonly field: Element
  readonly twin: Element
  readonly content: string
}

/** Whether a replacement of the element would interrupt the user. */
export function isInUse(element: Element): boolean {
  return (
    openDialogs(element).length > 0 ||
    isComposing(element) ||
    // Replacing a pressed element would swallow its click.
    call(element, 'matches', ':active')
  )
}

/** Gives the fresh element the content of the edited fields. The page changes in `run` only. */
export function prepareSwap(old: Element, fresh: Element, swap: SwapFunction = replaceWhole): Swap {
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

  const edited = editedFields(old)
  const lost = edited.filter((field) => !keep(field) && !call(field, 'matches', SCRIPTED))

  function run(): Element {
    const restore = keepState(old, twins)
    // The parser would go on filling an element that stays.
    const change = read(document, 'readyState') === 'loading' ? replaceWhole : swap
    change(old, fresh, { find: twins.find, kept, edited, match: matchTwins })
    const shown = read(old, 'isConnected') ? old : fresh
    if (shown === old) recordUnedited(old, edited)
    restore(shown)
    queueMicrotask(() => copies.forEach(copyAgain))
    return shown
  }

  return { lost, run }
}

function replaceWhole(old: Element, fresh: Element, { kept }: SwapContext): void {
  call(old, 'before', fresh)
  for (const [element, twin] of kept) moveElement(element, twin)
  call(old, 'remove')
}

/** Keeps the focus, scroll positions, and radio buttons outside of the element. */
function keepState(old: Element, twins: Twins): (shown: Element) => void {
  const radios = [...call(document, 'querySelectorAll', '[type=radio]:checked')] as HTMLInputElement[]
  const restoreFocus = keepFocus(old, twins)
  const restoreView = keepView(old, twins)
  return (shown) => {
    // A fresh radio button that is checked has unchecked the others of its group.
    for (const radio of radios) if (read(radio, 'isConnected')) radio.checked = true
    restoreView()
    const restoreScroll = keepScroll(ancestorsOf(shown))
    restoreFocus()
    restoreScroll()
  }
}

/** Scripts that start on fresh elements may overwrite fields, and then have to know the content. */
function copyAgain({ field, twin, content }: Copy): void {
  if (contentOf(twin) === content || !read(twin, 'isConnected')) return
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
