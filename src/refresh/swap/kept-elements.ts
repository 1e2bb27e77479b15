import { call, read } from '../../page/dom.js'
import type { Twins } from './twins.js'

/** Elements that may stay as they are: a dialog that is open, media that play, and what the page marks. */
const CANDIDATES = '[data-signal-keep], dialog[open], [aria-modal=true], video, audio'

/** The outermost elements that stay as they are, each with the fresh element whose place it takes. */
export function findKept(old: Element, twins: Twins): Map<Element, Element> {
  const kept = new Map<Element, Element>()
  for (const element of call(old, 'querySelectorAll', CANDIDATES)) {
    const twin = twins.find(element)
    if (!(twin instanceof Element) || hasAncestor(kept, element) || isOutdated(element, twin)) continue
    kept.set(element, twin)
  }
  return kept
}

/** Whether one of the kept elements contains an element. */
export function hasAncestor(kept: ReadonlyMap<Element, Element>, element: Element): boolean {
  return [...kept.keys()].some((each) => call(each, 'contains', element))
}

/** Puts an element into the place of its twin; state that browsers discard on the way is restored. */
export function moveElement(element: Element, twin: Element): void {
  const isModal = call(element, 'matches', 'dialog:is(:modal)')
  const isPlaying = element instanceof HTMLMediaElement && !element.paused
  const parent = read(twin, 'parentElement')
  // Keeps frames, the focus and animations, in browsers that have it.
  if (parent?.moveBefore) {
    parent.moveBefore(element, twin)
    twin.remove()
  } else twin.replaceWith(element)
  if (isPlaying) element.play().catch(() => undefined)
  if (!isModal || call(element, 'matches', ':modal')) return
  element.removeAttribute('open')
  ;(element as HTMLDialogElement).showModal()
}

/** Media that do not play, or whose fresh version plays something else. */
function isOutdated(element: Element, twin: Element): boolean {
  if (!(element instanceof HTMLMediaElement) || call(element, 'matches', '[data-signal-keep]')) return false
  return element.paused || call(element, 'getAttribute', 'src') !== call(twin, 'getAttribute', 'src')
}
