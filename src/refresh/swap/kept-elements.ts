import { call, read } from '../../page/dom.js'
import { openDialogs } from '../../page/edits.js'
import type { Twins } from './twins.js'

/**
 * The outermost elements that stay as they are, each with the fresh element whose place it takes: open dialogs, media that
 * play what the fresh ones would play, and what the page marks.
 */
export function findKept(old: Element, twins: Twins): Map<Element, Element> {
  const kept = new Map<Element, Element>()
  const dialogs = openDialogs(old)
  for (const element of call(old, 'querySelectorAll', '*')) {
    const isMarked = call(element, 'hasAttribute', 'data-signal-keep') || dialogs.includes(element)
    if ((!isMarked && !isPlaying(element)) || hasAncestor(kept, element)) continue
    const twin = twins.find(element)
    if (twin instanceof Element && (isMarked || sourceOf(element) === sourceOf(twin))) kept.set(element, twin)
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
  const wasPlaying = isPlaying(element)
  const parent = read(twin, 'parentElement')
  // Keeps frames, the focus and animations, in browsers that have it.
  if (parent?.moveBefore) {
    parent.moveBefore(element, twin)
    twin.remove()
  } else twin.replaceWith(element)
  if (wasPlaying) element.play().catch(() => undefined)
  if (!isModal || call(element, 'matches', ':modal')) return
  element.removeAttribute('open')
  ;(element as HTMLDialogElement).showModal()
}

function isPlaying(element: Element): element is HTMLMediaElement {
  return element instanceof HTMLMediaElement && !element.paused
}

function sourceOf(element: Element): string | null {
  return call(element, 'getAttribute', 'src')
}
